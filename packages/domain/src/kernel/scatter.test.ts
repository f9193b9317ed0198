// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prng } from './prng.ts';
import { scatter } from './scatter.ts';

test('events are spread over the hours of a window, none lost and each hour equally likely', () => {
  const source = prng('scatter');
  for (const trials of [0, 5, 100, 40_000]) {
    const bins = new Array<number>(24).fill(0);
    scatter(source, trials, {
      bins: 24,
      put: (bin, devices) => {
        bins[bin] = (bins[bin] ?? 0) + devices;
      },
    });
    assert.equal(
      bins.reduce((sum, one) => sum + one, 0),
      trials,
    );
    if (trials === 40_000) assert.ok(bins.every((one) => Math.abs(one - trials / 24) < 5 * Math.sqrt(trials / 24)));
  }
});
