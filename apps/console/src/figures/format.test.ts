// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationText, instantText, isoText, latencyText, rateText, shareText } from './format.ts';

test('a share never says all of less than all, nor none of more than none', () => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000_000 }), fc.nat({ max: 10_000_000 }), (a, b) => {
      const [part, whole] = [Math.min(a, b), Math.max(a, b)];
      const text = shareText(part, whole);
      assert.equal(text === '100 %', part === whole && whole > 0);
      assert.equal(text === '0 %', part === 0 && whole > 0);
    }),
  );
  assert.equal(shareText(1, 3), '33.3 %');
  assert.equal(shareText(0, 0), '–');
});

test('instants are those of ISO 8601 in UTC', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (at) => {
      assert.equal(instantText(at, 'utc'), isoText(at).slice(0, 19).replace('T', ' '));
    }),
  );
});

test('durations, latencies and rates carry their units', () => {
  const DAY_MS = 86_400_000;
  assert.deepEqual([999, 61_000, 3 * 3_600_000 + 60_000, 3 * DAY_MS].map(durationText), [
    '0 s',
    '1 min',
    '3 h 1 min',
    '3 d',
  ]);
  assert.deepEqual([0.44, 220, 1_900, undefined].map(latencyText), ['0.4 ms', '220 ms', '1.9 s', '–']);
  assert.deepEqual([0, 0.0012, 0.453, 1].map(rateText), ['0 %', '0.12 %', '45.3 %', '100.0 %']);
});
