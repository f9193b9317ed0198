// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare } from './compare.ts';
import { ORDERS } from './orders.ts';

describe('a forecast under an order of people, beside the rollout under the same order', () => {
  for (const [name, order] of Object.entries(ORDERS)) {
    test(`${name}: every granted device is in the set, and the figures are those of the run`, () => {
      const { forecast, run, outsideSet, figures, ...missed } = compare({
        ...{ seed: 'order/0', devices: 160, courses: 16 },
        order,
      });
      assert.equal(outsideSet, 0);
      assert.ok(run.grants.length > 30 && run.grants.length <= forecast.eligible);
      assert.ok(forecast.limits.length > 0);
      const misses = [...missed.missedDates, ...missed.missedCounts, ...missed.missedBytes];
      // Nine in ten runs have none at all; `npm run prove -- forecast` counts them over many seeds.
      assert.ok(figures >= 10 && misses.length <= 3, misses.join('; '));
    });
  }
});
