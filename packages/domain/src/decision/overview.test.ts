// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { count, emptyEvidence } from '../evidence/count.ts';
import type { EvidenceEvent } from '../evidence/evidence.ts';
import type { Epoch, Revision, SegmentId } from '../kernel/ids.ts';
import type { Rollout } from '../policy/rollout.ts';
import { decide } from './decide.ts';
import { FIGURES_SHOWN_MAX, overviewOf, SEGMENTS_SHOWN_MAX } from './overview.ts';

const plan = aPlan();
const revA = id<SegmentId>('rev-a');
const revC = id<SegmentId>('rev-c');
const rollout: Rollout = {
  plan,
  createdBy: 'ada',
  state: 'running',
  revision: 3 as Revision,
  epoch: 1 as Epoch,
  reason: 'as planned',
  stateSince: NOW,
  haltedSegments: [revC],
};

test('the funnel of a rollout loses nobody: under way, verified, reverted and failed are all that were permitted', () => {
  const permitted = (['verified', 'reverted', 'failed', 'silent'] as const).flatMap((fate): EvidenceEvent[] => {
    const end = { segment: revA, at: NOW, grantedAt: NOW, isFirstEnd: true, wasConfirmed: false };
    const enrolled: EvidenceEvent = { kind: 'enrolled', segment: revA, arm: 'treated', pi: 0.2, at: NOW };
    if (fate === 'silent') return [enrolled];
    const kind = ({ verified: 'confirmed', reverted: 'reverted', failed: 'install-failed' } as const)[fate];
    return [enrolled, { kind, ...end }];
  });
  const control: EvidenceEvent = { kind: 'enrolled', segment: revA, arm: 'control', pi: 0.2, at: NOW };
  const evidence = count(emptyEvidence(plan, NOW), [...permitted, control], NOW);
  const { funnel } = overviewOf({ rollout, exposure: anExposure(), evidence });
  assert.deepEqual(
    [funnel.population, funnel.permitted, funnel.underWay, funnel.verified, funnel.reverted, funnel.installFailed],
    [3_000, 4, 1, 1, 1, 1],
  );
  assert.deepEqual(
    funnel.arms.map((one) => [one.arm, one.enrolled]),
    [
      ['treated', 4],
      ['control', 1],
    ],
  );
});

test('permits that no round has counted yet are under way, and of a ring all of them could download', () => {
  const exposure = anExposure({ granted: 3, downloadsAllowed: 0 });
  const before = overviewOf({ rollout, exposure }).funnel;
  assert.deepEqual([before.mayDownload, before.permitted, before.underWay, before.verified], [3, 3, 3, 0]);
  const enrolled: EvidenceEvent = { kind: 'enrolled', segment: revA, arm: 'treated', pi: 0.2, at: NOW };
  const control: EvidenceEvent = { ...enrolled, arm: 'control' };
  const end = { segment: revA, at: NOW, grantedAt: NOW, isFirstEnd: true, wasConfirmed: false };
  const events: EvidenceEvent[] = [enrolled, control, { kind: 'confirmed', ...end }];
  const { funnel } = overviewOf({ rollout, exposure, evidence: count(emptyEvidence(plan, NOW), events, NOW) });
  assert.deepEqual([funnel.mayDownload, funnel.permitted, funnel.underWay, funnel.verified], [4, 3, 2, 1]);
});

test('what is nearest to harm stands first: halted segments, full caps, evidence next to its threshold', () => {
  const exposure = anExposure({
    segments: ['rev-a', 'rev-b', 'rev-c'].map((name, index) => ({
      segment: id<SegmentId>(name),
      population: 1_000,
      cap: 100,
      granted: index * 40,
    })),
  });
  const evidence = count(emptyEvidence(plan, NOW), [{ kind: 'reverted', segment: revA, ...END }], NOW);
  const decision = decide(plan, { evidence, exposure, now: NOW, haltedSegments: [revC] });
  const overview = overviewOf({ rollout, exposure, evidence, decision });
  assert.deepEqual(
    overview.segments.map((one) => [one.segment, one.isHalted]),
    [
      ['rev-c', true],
      ['rev-b', false],
      ['rev-a', false],
    ],
  );
  const nearness = overview.figures.map((one) => one.lnE / one.threshold);
  assert.deepEqual(
    nearness,
    [...nearness].sort((a, b) => b - a),
  );
  assert.equal(overview.verdict?.kind, decision.overall.kind);
});

test('a rollout of a thousand segments gives an overview that still fits on a screen', () => {
  const segments = Array.from({ length: 1_000 }, (_, index) => ({
    ...{ segment: id<SegmentId>(`hw-${index}`), population: 1, cap: 1, granted: 0 },
  }));
  const exposure = anExposure({ segments });
  const evidence = emptyEvidence(plan, NOW);
  const decision = decide(plan, { evidence, exposure, now: NOW });
  const overview = overviewOf({ rollout, exposure, evidence, decision });
  assert.deepEqual([overview.segments.length, overview.segmentCount], [SEGMENTS_SHOWN_MAX, 1_000]);
  assert.deepEqual([overview.figures.length, overview.figureCount], [FIGURES_SHOWN_MAX, decision.figures.length]);
});

test('before the start there is nothing but the plan', () => {
  const overview = overviewOf({ rollout: { ...rollout, state: 'draft' } });
  assert.deepEqual([overview.exposure, overview.verdict, overview.segments], [undefined, undefined, []]);
  assert.equal(overview.funnel.population, 0);
});

const END = { at: NOW, grantedAt: NOW, isFirstEnd: true, wasConfirmed: false } as const;
