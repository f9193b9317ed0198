// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_KINDS, profileOf } from './faults/profile.ts';
import { caseOf, drawCase } from './search/draw-case.ts';
import { encodeCase, parseCase } from './sim-case.ts';

test('a case comes back from its file as it was, with every kind of fault', () => {
  const drawn = { seed: '42', deviceCount: 500, daysMax: 20, gatewayCount: 2, profile: profileOf('wild') };
  const simCase = { ...caseOf(drawn), plant: 'cap-outside' } as const;
  assert.deepEqual(new Set(simCase.faults.map(({ kind }) => kind)), new Set(FAULT_KINDS));
  const violation = { oracle: 'cap', step: 7, facts: 'one too many' };
  const parsed = parseCase(encodeCase(simCase, violation));
  assert.deepEqual(parsed, { ok: true, value: { schema: 1, ...simCase, violation } });
});

test('the same seed draws the same case, another one another', () => {
  assert.deepEqual(drawCase('a', undefined), drawCase('a', undefined));
  assert.notDeepEqual(drawCase('a', undefined).faults, drawCase('b', undefined).faults);
});

test('a file that is no case is told where it is wrong', () => {
  const text = encodeCase(drawCase('a', undefined)).replace('"kind":"rush"', '"kind":"rain"');
  const parsed = parseCase(text.includes('rain') ? text : '{}');
  assert.equal(parsed.ok, false);
});
