// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSmallFleet } from './small-fleet.ts';

// Three seeds; `npm run prove -- decision-small-fleet` plays twenty.
const worlds = ['a', 'b', 'c'].map((seed) => ({ seed, devices: 2003, ringDevices: 3, daysMax: 25 }));

test('a good release reaches 99 % of two thousand devices within 25 days and is never stopped', () => {
  for (const world of worlds) {
    const run = runSmallFleet(world);
    assert.equal(run.verdict.kind, 'complete', run.verdict.reason);
    assert.ok(run.verifiedPermille >= 990 && run.isCapKept, `${run.verifiedPermille} permille`);
  }
});

test('a release that fails on one hardware revision is halted there with at most 15 devices harmed', () => {
  for (const world of worlds) {
    const run = runSmallFleet({ ...world, defectiveSegment: 'rev-c' });
    assert.equal(run.verdict.kind, 'halt', run.verdict.reason);
    assert.match(run.verdict.reason, /rev-c/);
    assert.ok(run.harmed <= 15 && run.isCapKept, `${run.harmed} harmed`);
  }
});
