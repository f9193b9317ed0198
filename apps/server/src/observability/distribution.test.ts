// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { createDistribution, quantileOf, readingBetween, totalOf } from './distribution.ts';

const BOUNDS = [1, 2, 5, 10, 100];
const values = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 50 });

test('a quantile lies in the bucket of the value that a sorted list would give', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
      const distribution = createDistribution(BOUNDS);
      for (const value of all) distribution.observe(value);
      const found = quantileOf(BOUNDS, distribution.read(), share);
      if (all.length === 0) return assert.equal(found, undefined);
      const exact = [...all].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * all.length) - 1)] ?? 0;
      const upper = BOUNDS.find((bound) => exact <= bound) ?? 100;
      const lower = exact > 100 ? 100 : (BOUNDS[BOUNDS.indexOf(upper) - 1] ?? 0);
      assert.ok(found !== undefined && found >= lower && found <= upper, `${found} for ${exact}`);
    }),
    propertyOptions(),
  );
});

test('what came between two readings is what was observed between them', () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const distribution = createDistribution(BOUNDS);
      const alone = createDistribution(BOUNDS);
      for (const value of before) distribution.observe(value);
      const first = distribution.read();
      for (const value of after) for (const one of [distribution, alone]) one.observe(value);
      const between = readingBetween(first, distribution.read());
      assert.deepEqual(between.counts, alone.read().counts);
      assert.equal(totalOf(between), after.length);
    }),
    propertyOptions(),
  );
});
