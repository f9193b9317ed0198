// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planKills } from './plan.ts';

test('the same seed plans the same kills, another seed others', () => {
  assert.deepEqual(planKills('7', 50), planKills('7', 50));
  assert.notDeepEqual(planKills('7', 50), planKills('8', 50));
});

test('more kills never change the ones planned before', () => {
  assert.deepEqual(planKills('7', 50).slice(0, 20), planKills('7', 20));
});

test('two hundred kills have every kind of blow, in decisions and in traffic', () => {
  const planned = planKills('42', 200);
  assert.equal(new Set(planned.map(({ strike }) => strike.kind)).size, 9);
  assert.equal(new Set(planned.map(({ moment }) => moment.kind)).size, 2);
});
