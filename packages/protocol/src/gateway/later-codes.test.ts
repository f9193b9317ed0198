// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCheckInAnswer } from './check-in.ts';
import { parsePermitAnswer } from './permit.ts';

test('a device in the field goes by the delay of a refusal whose code it does not know yet', () => {
  const refusal = parseCheckInAnswer('{"code":"moon-phase-wrong","kind":"refusal","pollAfterMs":60000}');
  assert.deepEqual(refusal, { ok: true, value: { kind: 'refusal', code: 'no-rollout', pollAfterMs: 60_000 } });
  const notYet = parsePermitAnswer('{"askAfterMs":60000,"code":"moon-phase-wrong","kind":"not-yet"}');
  assert.deepEqual(notYet, { ok: true, value: { kind: 'not-yet', code: 'no-offer', askAfterMs: 60_000 } });
});

test('what is no code at all is still malformed', () => {
  for (const code of ['7', '""', '{}', `"${'x'.repeat(65)}"`]) {
    assert.ok(!parseCheckInAnswer(`{"code":${code},"kind":"refusal","pollAfterMs":1}`).ok, code);
    assert.ok(!parsePermitAnswer(`{"askAfterMs":1,"code":${code},"kind":"not-yet"}`).ok, code);
  }
});
