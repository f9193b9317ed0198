// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, exponential, prng } from './prng.ts';

test('the same seed gives the same numbers, another seed others', () => {
  assert.deepEqual(draws('42', 20), draws('42', 20));
  assert.notDeepEqual(draws('42', 20), draws('43', 20));
});

test('one more draw in one stream moves nothing in another', () => {
  const first = prng('s');
  const second = prng('s');
  first.next();
  assert.equal(first.fork('faults').next(), second.fork('faults').next());
});

test('numbers lie in [0, 1) with the mean and the variance of the uniform distribution', () => {
  const source = prng('uniform');
  const count = 100_000;
  let sum = 0;
  let squares = 0;
  for (let index = 0; index < count; index++) {
    const value = source.next();
    assert.ok(value >= 0 && value < 1);
    sum += value;
    squares += value * value;
  }
  // Five standard errors: 0.0046 for the mean, 0.0048 for the second moment.
  assert.ok(Math.abs(sum / count - 1 / 2) < 0.0046, `mean ${sum / count}`);
  assert.ok(Math.abs(squares / count - 1 / 3) < 0.0048, `second moment ${squares / count}`);
});

test('whole numbers stay below their bound and exponential draws have their mean', () => {
  const source = prng('bounds');
  let sum = 0;
  for (let index = 0; index < 50_000; index++) {
    const whole = below(source, 7);
    assert.ok(Number.isInteger(whole) && whole >= 0 && whole < 7);
    sum += exponential(source, 24);
  }
  assert.ok(Math.abs(sum / 50_000 - 24) < 0.6, `mean ${sum / 50_000}`);
});

function draws(seed: string, count: number): number[] {
  const source = prng(seed);
  return Array.from({ length: count }, () => source.next());
}
