// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyOptions, seedOf } from './seed.ts';

test('without SEED every run draws the same examples', () => {
  assert.equal(seedOf(undefined), seedOf(''));
  assert.deepEqual(
    fc.sample(fc.integer(), { ...propertyOptions(), numRuns: 5 }),
    fc.sample(fc.integer(), { ...propertyOptions(), numRuns: 5 }),
  );
});

test('SEED is taken as it is, and refused when it is no number', () => {
  assert.equal(seedOf('7'), 7);
  assert.throws(() => seedOf('seven'), /SEED is seven, allowed are whole numbers/);
  assert.throws(() => seedOf('1e300'), RangeError);
});
