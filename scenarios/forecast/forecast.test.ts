// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare } from './compare.ts';

describe('a forecast beside the rollout that followed it, over twenty seeds', () => {
  const compared = Array.from({ length: 20 }, (_, index) =>
    compare({ seed: `unit/${index}`, devices: 240, courses: 24 }),
  );

  test('shows every device that is granted in the wave in which it is', () => {
    assert.ok(compared.every((one) => one.run.grants.length > 200));
    assert.deepEqual(
      compared.map((one) => one.outsideSet),
      compared.map(() => 0),
    );
  });

  test('has dates, counts and bytes inside its intervals in at least seventeen', () => {
    const missed = compared.map((one) => [...one.missedDates, ...one.missedCounts, ...one.missedBytes]);
    const kept = missed.filter((one) => one.length === 0).length;
    assert.ok(kept >= 17, `${kept} of 20: ${JSON.stringify(missed.filter((one) => one.length > 0))}`);
    assert.ok(compared.every((one) => one.figures >= 15));
  });
});
