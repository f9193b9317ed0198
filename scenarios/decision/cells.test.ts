// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BAD_SEEDS_FULL, jobsOf, quantiles, seedsOf, summary } from './cells.ts';
import { BAD_WORLDS, FURTHER_WORLDS, GOOD_WORLDS, worldNamed } from './worlds.ts';

test('every world is played under our rule, and all rivals play on the seeds of ours', () => {
  const jobs = jobsOf('7', { bad: 2, good: 2, goodRivals: 1, further: 1 });
  for (const { name } of [...GOOD_WORLDS, ...BAD_WORLDS, ...FURTHER_WORLDS]) {
    assert.equal(worldNamed(name).name, name);
    assert.ok(jobs.some((one) => one.world === name && one.rules === 'ours'));
  }
  for (const rival of jobs.filter((one) => one.rules === 'rivals')) {
    assert.ok(jobs.some((one) => one.rules === 'ours' && one.world === rival.world && one.seed === rival.seed));
  }
});

test('the middle and the 95th percentile of what was harmed are those of the sorted list', () => {
  assert.deepEqual(quantiles([5]), { median: 5, p95: 5 });
  assert.deepEqual(quantiles([1, 2, 3, 10]), { median: 2.5, p95: 10 });
  assert.deepEqual(quantiles(Array.from({ length: 100 }, (_, index) => 100 - index)), { median: 50.5, p95: 95 });
});

test('a rollout that was paused and went on is no false halt', () => {
  const cell = summary([
    { harmed: 0, treated: 9, pauses: 1, haltedSegments: 0, daysTo95: 12 },
    { harmed: 3, treated: 9, pauses: 0, haltedSegments: 0, stop: { hours: 4, reason: 'revert' } },
  ]);
  assert.equal(cell.stopped, 1);
  assert.equal(cell.paused, 1);
  assert.equal(cell.days.median, 12);
});

test('the claim plays 60 seeds a bad world and 600 good rollouts, and fewer seeds keep the proportions', () => {
  assert.deepEqual(seedsOf(BAD_SEEDS_FULL), { bad: 60, good: 150, goodRivals: 24, further: 12 });
  assert.deepEqual(seedsOf(4), { bad: 4, good: 10, goodRivals: 2, further: 1 });
  const jobs = jobsOf('7', seedsOf(2), ['F2', 'asleep']);
  assert.deepEqual([...new Set(jobs.map((one) => one.world))], ['F2', 'asleep']);
});

test('a rollout that did not come to its end counts as slower than all that did', () => {
  const endless = { harmed: 0, treated: 9, pauses: 0, haltedSegments: 1 };
  const cell = summary([endless, endless, { ...endless, daysTo95: 12 }]);
  assert.equal(cell.days.median, Number.POSITIVE_INFINITY);
  assert.equal(cell.oneSegment, 3);
});
