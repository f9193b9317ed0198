// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { emptyEvidence } from '../evidence/count.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { compareDecisions } from './compare-decisions.ts';
import { decide } from './decide.ts';
import type { Decision, DecisionInput } from './decision.ts';
import { decideSafely, replayDecision } from './replay.ts';

const plan = aPlan();
const segment = id<SegmentId>('rev-a');
const input: DecisionInput = {
  evidence: {
    ...emptyEvidence(plan, NOW),
    base: [{ metric: 'revert', segment, open: 40, closed: 40, events: 1, confirmed: 39 }],
  },
  exposure: anExposure(),
  now: NOW,
};
const decision = decide(plan, input);

test('a stored decision comes out again, from its text too', () => {
  assert.deepEqual(replayDecision(plan, { input, decision }), []);
  assert.deepEqual(replayDecision(plan, JSON.parse(JSON.stringify({ input, decision }))), []);
});

test('a decision that could only stop is replayed as one: what it said, and no cap raised', () => {
  const stopOnly = { ...input, isStopOnly: true } as const;
  const said = decide(plan, stopOnly);
  assert.equal(said.exposure.cap, input.exposure.cap);
  assert.deepEqual(replayDecision(plan, { input: stopOnly, decision: said }), []);
});

test('another input, verdict, figure or cap is found', () => {
  const oneMore = { ...input, evidence: { ...input.evidence, base: [] } };
  assert.ok(replayDecision(plan, { input: oneMore, decision }).length > 0);
  const [figure, ...figures] = decision.figures;
  assert.ok(figure !== undefined);
  const cases: readonly (readonly [Decision, string])[] = [
    [{ ...decision, overall: { kind: 'halt', reason: decision.overall.reason } }, 'decision verdict'],
    [{ ...decision, figures: [{ ...figure, lnE: figure.lnE * (1 + 1e-8) }, ...figures] }, 'figure revert overall lnE'],
    [{ ...decision, exposure: { ...decision.exposure, cap: decision.exposure.cap + 1 } }, 'exposure cap'],
  ];
  for (const [stored, field] of cases) {
    const differences = replayDecision(plan, { input, decision: stored });
    assert.deepEqual(
      differences.map((one) => one.field),
      [field],
    );
  }
});

test('figures may differ in their last digits, as they do between machines, and reasons may be worded anew', () => {
  const figures = decision.figures.map((one) => ({ ...one, lnE: one.lnE * (1 + 1e-12), harmUpper: one.harmUpper }));
  const overall = { ...decision.overall, reason: 'the same in other words' };
  assert.deepEqual(compareDecisions(decision, { ...decision, figures, overall }), []);
});

test('a rule that fails holds with its error, and its replay fails in the same way', () => {
  const broken = { ...input, exposure: { ...input.exposure, segments: null } } as never;
  const { decision: held, cause } = decideSafely(plan, broken);
  assert.ok(cause instanceof Error);
  assert.equal(held.overall.kind, 'hold');
  assert.match(held.overall.reason, /^error: /);
});
