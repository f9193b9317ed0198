// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aaCrossingRate, baseCrossingRate, coinCrossingRate } from './null-streams.ts';

// 2,000 streams and a fixed seed; `npm run prove -- decision-null` runs 20,000 of them.
const given = { seed: 'null-streams', streams: 2000, alpha: 0.05 };

test('a release at the base rate itself is halted in fewer than alpha of the rollouts', () => {
  const base = { ...given, steps: 5000, baseRate: 0.001 };
  assert.ok(baseCrossingRate({ ...base, delaySteps: 0 }) < 0.05);
});

test('reports that come late make a false halt rarer, not more likely', () => {
  const base = { ...given, steps: 5000, baseRate: 0.001 };
  assert.ok(baseCrossingRate({ ...base, delaySteps: 1000 }) <= baseCrossingRate({ ...base, delaySteps: 0 }));
});

test('arms at the tolerated odds are halted in fewer than alpha of the rollouts, through all strata of pi', () => {
  assert.ok(coinCrossingRate({ ...given, steps: 150, tolerance: 1.1, delaySteps: 0 }) < 0.05);
});

test('events that are heard of late, and so in another order, do not halt more rollouts than alpha', () => {
  assert.ok(coinCrossingRate({ ...given, steps: 150, tolerance: 1.1, delaySteps: 50 }) < 0.05);
});

test('arms drawn by the coin alarm in fewer than alpha of the rollouts, a control that is not drawn by it always', () => {
  assert.ok(aaCrossingRate({ ...given, steps: 150, odds: 1 }) < 0.05);
  assert.ok(aaCrossingRate({ ...given, streams: 100, steps: 2000, odds: 1.5 }) >= 0.99);
});
