// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseOverview, ROLLOUTS_SHOWN_MAX } from './overview.ts';

const GOLDEN = readFileSync(new URL('../../vectors/v1/overview.json', import.meta.url), 'utf8');

test('an overview of the first version is read whole, and nothing of it is lost', () => {
  const parsed = parseOverview(GOLDEN);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.value, JSON.parse(GOLDEN));
});

test('members that a later server adds are passed over', () => {
  const later = { ...JSON.parse(GOLDEN), weather: 'fine' };
  assert.ok(parseOverview(JSON.stringify(later)).ok);
});

test('what is missing, too much or of another kind is refused with its place', () => {
  const golden = JSON.parse(GOLDEN);
  const [rollout] = golden.rollouts;
  for (const [change, path] of [
    [{ at: 'now' }, 'overview.at'],
    [{ vitals: { ...golden.vitals, isFresh: undefined } }, 'overview.vitals.isFresh'],
    [{ rollouts: [{ ...rollout, state: 'flying' }] }, 'overview.rollouts[0].state'],
    [{ rollouts: Array(ROLLOUTS_SHOWN_MAX + 1).fill(rollout) }, 'overview.rollouts'],
    [
      { rollouts: [{ ...rollout, funnel: { ...rollout.funnel, verified: -1 } }] },
      'overview.rollouts[0].funnel.verified',
    ],
  ] as const) {
    const parsed = parseOverview(JSON.stringify({ ...golden, ...change }));
    assert.equal(parsed.ok ? 'taken' : parsed.error.path, path);
  }
});
