// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '@outrider/domain/decision/decide';
import type { DecisionInput } from '@outrider/domain/decision/decision';
import { count, emptyEvidence } from '@outrider/domain/evidence/count';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import {
  encodeDecision,
  encodeDecisionInput,
  parseDecision,
  parseDecisionInput,
  parseDecisionPage,
} from './decision.ts';

const plan = aPlan();
const segment = id<SegmentId>('rev-a');
const evidence = count(
  emptyEvidence(plan, NOW),
  [
    { kind: 'enrolled', segment, arm: 'treated', pi: 0.2, at: NOW },
    { kind: 'enrolled', segment, arm: 'control', pi: 0.2, at: NOW },
    { kind: 'confirmed', segment, at: NOW, grantedAt: NOW, isFirstEnd: true, wasConfirmed: false },
    { kind: 'coin-event', metric: 'crash24', segment, arm: 'control', pi: 0.2, isFirstHalf: true },
    { kind: 'window-closed', metric: 'crash24', segment, arm: 'control', hadEvent: true },
  ],
  NOW,
);
const input: DecisionInput = {
  evidence,
  exposure: anExposure(),
  now: NOW,
  haltedSegments: [segment],
  isStopOnly: true,
  rule: 2,
};
const decision = decide(plan, input);

test('a decision and its input are read back to the last digit', () => {
  assert.deepEqual(parseDecision(encodeDecision(decision)), { ok: true, value: decision });
  assert.deepEqual(parseDecisionInput(encodeDecisionInput(input)), { ok: true, value: input });
});

test('a page of decisions is read as the management API answers it', () => {
  const page = parseDecisionPage(JSON.stringify({ items: [{ input, decision }] }));
  assert.deepEqual(page, { ok: true, value: { items: [{ input, decision }] } });
});

test('a figure that is no number is refused, with its place', () => {
  const [figure] = decision.figures;
  const infinite = { ...decision, figures: [{ ...figure, lnE: Number.POSITIVE_INFINITY }] };
  const parsed = parseDecision(JSON.stringify(infinite));
  assert.equal(parsed.ok ? undefined : parsed.error.path, 'decision.figures[0].lnE');
});

test('a verdict that nobody knows, and a count that cannot be, are refused', () => {
  const waits = parseDecision(JSON.stringify({ ...decision, overall: { kind: 'wait', reason: '' } }));
  assert.equal(waits.ok ? undefined : waits.error.path, 'decision.overall.kind');
  const [base] = evidence.base;
  const half = { ...input, evidence: { ...evidence, base: [{ ...base, open: 0.5 }] } };
  const parsed = parseDecisionInput(JSON.stringify(half));
  assert.equal(parsed.ok ? undefined : parsed.error.path, 'decision-input.evidence.base[0].open');
});
