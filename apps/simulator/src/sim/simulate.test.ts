// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventLog } from './event-log.ts';
import { simulate } from './simulate.ts';

/** A small fleet for a day: enough for permits in both arms, and quick. */
async function play(seed: string, alteredPermit?: number) {
  const lines: string[] = [];
  const log = eventLog({
    sink: (line) => lines.push(line),
    ...(alteredPermit !== undefined && { alteredPermit }),
  });
  const warnings: string[] = [];
  const summary = await simulate({ seed, deviceCount: 40, daysMax: 2, log, warn: (line) => warnings.push(line) });
  return { digest: log.digest(), counts: log.counts(), lines, warnings, summary };
}

test('a run can be repeated: the same seed gives the same log, byte for byte', async () => {
  const [first, second] = [await play('42'), await play('42')];
  assert.deepEqual(second.lines, first.lines);
  assert.equal(second.digest, first.digest);
  assert.match(first.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(first.warnings, []);
  assert.ok(first.counts.permit > 0 && first.counts.report > 0 && first.counts.decision > 0);
});

test('another seed is another world', async () => {
  assert.notEqual((await play('43')).digest, (await play('42')).digest);
});

test('one altered permit changes the digest, and that line alone', async () => {
  const [kept, altered] = [await play('42'), await play('42', 3)];
  assert.notEqual(altered.digest, kept.digest);
  const changed = altered.lines.filter((line, index) => line !== kept.lines[index]);
  assert.equal(changed.length, 1);
  assert.match(changed[0] ?? '', /"kind":"permit"/);
});
