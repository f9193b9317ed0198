// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventLog } from './event-log.ts';
import { type ProfileName, profileOf } from './faults/profile.ts';
import { runCase } from './run-case.ts';
import { caseOf } from './search/draw-case.ts';
import type { SignatureKind } from './sim-keys.ts';

interface Played {
  readonly seed: string;
  readonly faults?: ProfileName;
  readonly signatures?: SignatureKind;
  readonly alteredPermit?: number;
}

/** A small fleet for two days: enough for permits in both arms, and quick. */
async function play({ seed, faults = 'none', signatures = 'quick', alteredPermit }: Played) {
  const lines: string[] = [];
  const log = eventLog({
    sink: (line) => lines.push(line),
    ...(alteredPermit !== undefined && { alteredPermit }),
  });
  const simCase = caseOf({ seed, deviceCount: 40, daysMax: 1, gatewayCount: 2, profile: profileOf(faults) });
  const outcome = await runCase(simCase, { log, signatures });
  assert.deepEqual(outcome.kind === 'broken' ? outcome.violation : undefined, undefined);
  return { digest: outcome.digest, counts: outcome.counts, lines };
}

test('a run can be repeated: the same seed gives the same log, byte for byte', async () => {
  const [first, second] = [await play({ seed: '42' }), await play({ seed: '42' })];
  assert.deepEqual(second.lines, first.lines);
  assert.equal(second.digest, first.digest);
  assert.match(first.digest, /^[0-9a-f]{64}$/);
  assert.ok(first.counts.permit > 0 && first.counts.report > 0 && first.counts.decision > 0);
});

test('a run in which everything breaks can be repeated too, and is another one', async () => {
  const [first, second] = [await play({ seed: '42', faults: 'wild' }), await play({ seed: '42', faults: 'wild' })];
  assert.deepEqual(second.lines, first.lines);
  assert.notEqual(first.digest, (await play({ seed: '42' })).digest);
});

test('another seed is another world', async () => {
  assert.notEqual((await play({ seed: '43' })).digest, (await play({ seed: '42' })).digest);
});

test('quick signatures decide nothing: with those of production the run is the same', async () => {
  const faulted = { seed: '44', faults: 'wild' } as const;
  assert.equal((await play({ ...faulted, signatures: 'real' })).digest, (await play(faulted)).digest);
});

test('one altered permit changes the digest, and that line alone', async () => {
  const [kept, altered] = [await play({ seed: '42' }), await play({ seed: '42', alteredPermit: 3 })];
  assert.notEqual(altered.digest, kept.digest);
  const changed = altered.lines.filter((line, index) => line !== kept.lines[index]);
  assert.equal(changed.length, 1);
  assert.match(changed[0] ?? '', /"kind":"permit"/);
});
