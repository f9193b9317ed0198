// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HISTORY_POINTS_MAX, isHistoryPoint } from './history.ts';

test('a curve never has more points than a screen shows, and always ends with the newest decision', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), (count) => {
      const kept = Array.from({ length: count }, (_, index) => index).filter((index) => isHistoryPoint(index, count));
      assert.equal(kept.at(-1), count - 1);
      assert.ok(kept.length <= HISTORY_POINTS_MAX);
      assert.ok(count <= HISTORY_POINTS_MAX ? kept.length === count : kept.length > HISTORY_POINTS_MAX / 3);
    }),
  );
});
