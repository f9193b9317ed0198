// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvidence } from '@outrider/protocol/evidence/evidence';
import { AT, overviewWith, rolloutWith } from '../example-overview.ts';
import { evidenceRows } from './evidence-rows.ts';
import { funnelParts, funnelSteps } from './funnel-steps.ts';

const COUNTS = { open: 9, closed: 6, events: 2, confirmed: 4 };
const evidence = parseEvidence(
  JSON.stringify({
    rolloutId: 'r',
    asOf: AT,
    base: ['rev-b', 'rev-c'].map((segment) => ({ metric: 'revert', segment, ...COUNTS })),
    coin: [],
    closed: ['treated', 'control'].map((arm) => ({ metric: 'crash24', segment: 'rev-c', arm, closed: 5, events: 1 })),
    enrolments: [],
    recent: [],
  }),
);
assert.ok(evidence.ok);

const figure = { threshold: 8, harmUpper: 0.2 };
const rollouts = [
  rolloutWith({
    figures: [
      { ...figure, metric: 'revert', lnE: 9 },
      { ...figure, metric: 'crash24', segment: 'rev-c', lnE: -1 },
    ],
  }),
];
const [rollout] = overviewWith({ rollouts }).rollouts;
assert.ok(rollout !== undefined);

test('a metric over its threshold is marked, and stands beside the counts of both arms that it was made from', () => {
  const [revert, crash] = evidenceRows(rollout.figures, evidence.value);
  assert.deepEqual([revert?.isOver, revert?.permille, revert?.tone], [true, 1_000, 'stop']);
  assert.deepEqual([revert?.treated, revert?.control], [{ events: 4, closed: 12 }, undefined]);
  assert.deepEqual([crash?.isOver, crash?.permille, crash?.tone], [false, 0, 'calm']);
  assert.deepEqual(
    [crash?.treated, crash?.control],
    [
      { events: 1, closed: 5 },
      { events: 1, closed: 5 },
    ],
  );
});

test('the way of the devices counts each step against the one it is a part of', () => {
  const steps = funnelSteps(rollout.funnel).map(({ name, devices, of }) => `${name} ${devices}/${of}`);
  const expected = [
    'Offered 500/1000',
    'Permitted 40/1000',
    'Under way 6/40',
    'Verified 30/40',
    'Reverted 3/40',
    'Failed 1/40',
  ];
  assert.deepEqual(steps, expected);
  const sum = funnelParts(rollout.funnel).reduce((all, one) => all + one.permille, 0);
  assert.ok(sum <= 1_000);
});
