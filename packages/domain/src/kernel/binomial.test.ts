// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binomial } from './binomial.ts';
import { prng } from './prng.ts';

const DRAWS = 20_000;

test('a class of devices has as many events as its devices one by one would have, small or large', () => {
  const cases: readonly (readonly [number, number])[] = [
    [10, 0.2],
    [200, 0.00015],
    [1_000, 0.003],
    [60, 0.35],
    [5_000, 0.5],
    [3_000_000, 0.00015],
    [50_000_000, 0.97],
    [1_000_000_000, 0.5],
  ];
  for (const [trials, probability] of cases) {
    const source = prng(`binomial/${trials}/${probability}`);
    const drawn = Array.from({ length: DRAWS }, () => binomial(source, trials, probability));
    const variance = trials * probability * (1 - probability);
    const mean = drawn.reduce((sum, one) => sum + one, 0) / DRAWS;
    const spread = drawn.reduce((sum, one) => sum + (one - trials * probability) ** 2, 0) / DRAWS;
    // Five standard errors; that of the variance is of order sqrt((2 + 1 / variance) / DRAWS).
    const label = `${trials} x ${probability}`;
    assert.ok(Math.abs(mean - trials * probability) < 5 * Math.sqrt(variance / DRAWS), `mean of ${label}: ${mean}`);
    assert.ok(
      Math.abs(spread / variance - 1) < 5 * Math.sqrt((2 + 1 / variance) / DRAWS),
      `variance of ${label}: ${spread}, expected ${variance}`,
    );
  }
});

test('the number of events follows the exact distribution where rejection begins', () => {
  const [trials, probability] = [40, 0.3];
  const source = prng('exact');
  const seen = new Array<number>(trials + 1).fill(0);
  for (let draw = 0; draw < 100_000; draw++) {
    const events = binomial(source, trials, probability);
    seen[events] = (seen[events] ?? 0) + 1;
  }
  let expected = 100_000 * (1 - probability) ** trials;
  let chiSquare = 0;
  let cells = 0;
  for (let events = 0; events <= trials; events++) {
    if (expected > 20) {
      chiSquare += ((seen[events] ?? 0) - expected) ** 2 / expected;
      cells += 1;
    }
    expected *= ((trials - events) / (events + 1)) * (probability / (1 - probability));
  }
  assert.ok(chiSquare < cells + 5 * Math.sqrt(2 * cells), `chi square ${chiSquare} over ${cells} cells`);
});
