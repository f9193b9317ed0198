// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { emptyEvidence } from '../evidence/count.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { type Exposure, populationOf } from '../policy/exposure.ts';
import { decide } from './decide.ts';
import type { DecisionInput } from './decision.ts';
import { completeExposure } from './widen.ts';

const plan = aPlan({ onSegmentHalt: 'exclude-segment' });
const segments = ['rev-a', 'rev-b', 'rev-c'].map((text) => id<SegmentId>(text));
const revC = id<SegmentId>('rev-c');

test('in the last wave, once the evidence allows every device, all are released: pi is 1', () => {
  const { overall, exposure } = decisionOn(healthy(1_500), {});
  assert.equal(overall.kind, 'complete');
  assert.deepEqual(
    { pi: exposure.pi, isComplete: exposure.isComplete, cap: exposure.cap, downloads: exposure.downloadsAllowed },
    { pi: 1, isComplete: true, cap: 3_050, downloads: 3_000 },
  );
  assert.ok(exposure.segments.every((one) => one.cap === 1_050));
});

test('the same evidence in an earlier wave goes no further than its ceiling', () => {
  const { overall, exposure } = decisionOn(healthy(1_500), { waveIndex: 2, cap: 10 });
  assert.equal(overall.kind, 'admit');
  assert.equal(exposure.cap, 300);
  assert.equal(exposure.downloadsAllowed, 3_000, 'what was allowed before stays');
  assert.ok(!exposure.isComplete);
});

test('after completion the caps stay a budget ahead, so that devices that join late get the release', () => {
  const full = { isComplete: true, granted: 3_040, cap: 3_050, pi: 1 };
  assert.equal(decisionOn(healthy(1_500), full).exposure.cap, 3_090);
});

test('a halted segment gets no more, and completion is of the others', () => {
  const { overall, exposure } = decisionOn(healthy(1_500), {}, [revC]);
  assert.equal(overall.kind, 'complete');
  assert.equal(exposure.segments.find((one) => one.segment === revC)?.cap, 1_000);
});

test('devices of a halted region are no part of what the evidence has to reach, but for those of a halted segment', () => {
  const [input, out] = [healthy(600), [{ segment: revC, population: 900 }]];
  const whole = decide(plan, inputOn(input, { cap: 1_000 }));
  assert.notEqual(whole.overall.kind, 'complete');
  assert.equal(decide(plan, { ...inputOn(input, { cap: 1_000 }), haltedPopulations: out }).overall.kind, 'complete');
  const halted = { ...inputOn(input, { cap: 1_000 }), haltedSegments: [revC] };
  const once = decide(plan, halted).exposure.cap;
  assert.equal(decide(plan, { ...halted, haltedPopulations: out }).exposure.cap, once, 'nobody is taken out twice');
});

test('permits whose rows were left out stay given: the evidence of the others comes on top of them', () => {
  const enrolments = segments.map((segment) => ({ segment, pi: 0.2, treated: 5, control: 20 }));
  const leftOut = { deviceIds: [], restartedAt: NOW, restarts: 1, enrolments };
  const anew = decide(plan, inputOn({ ...healthy(0), leftOut }, { cap: 15, granted: 15 }));
  assert.equal(anew.exposure.cap, 25, 'a first step of ten beyond the fifteen');
  assert.match(anew.overall.reason, /beside 15 that are left out/);
});

test('devices of a halted segment do not use up what the others may have', () => {
  const rows = anExposure().segments.map((one) => (one.segment === revC ? { ...one, granted: 7 } : one));
  const { exposure } = decisionOn(healthy(0), { cap: 10, granted: 7, segments: rows }, [revC]);
  assert.equal(exposure.cap, 17);
});

test('a full cap holds and says what it waits for', () => {
  const { overall, exposure } = decisionOn(healthy(0), { cap: 10, granted: 10 });
  assert.deepEqual(overall, { kind: 'hold', reason: 'Cap stays at 10: 0 confirmed boots allow 10 devices' });
  assert.equal(exposure.holdReason, overall.reason);
});

function decisionOn(evidence: Evidence, exposure: Partial<Exposure>, haltedSegments: readonly SegmentId[] = []) {
  return decide(plan, { ...inputOn(evidence, exposure), haltedSegments });
}

function inputOn(evidence: Evidence, exposure: Partial<Exposure>): DecisionInput {
  return { evidence, exposure: anExposure({ waveStartedAt: fleetInstant(NOW - HOUR_MS), ...exposure }), now: NOW };
}

test('a ceiling of a person bounds the cap, and evidence that allows every device does not complete beyond it', () => {
  const own = anExposure({ waveStartedAt: fleetInstant(NOW - HOUR_MS), cap: 10 });
  const input = { evidence: healthy(1_500), exposure: own, now: NOW };
  assert.equal(decide(plan, input).overall.kind, 'complete');
  const { overall, exposure } = decide(plan, { ...input, limitDevices: 500 });
  assert.deepEqual([overall.kind, exposure.cap, exposure.isComplete], ['admit', 500, false]);
  assert.equal(overall.reason, 'Cap raised to 500: the operator allows 500 devices');
});

test('a ceiling below what is granted takes nothing back: the cap stays, and the rollout holds', () => {
  const own = anExposure({ waveStartedAt: fleetInstant(NOW - HOUR_MS), cap: 800, granted: 700 });
  const input = { evidence: healthy(1_500), exposure: own, now: NOW, limitDevices: 100 };
  const { overall, exposure } = decide(plan, input);
  assert.deepEqual([overall.kind, exposure.cap, exposure.granted], ['hold', 800, 700]);
});

test('approvers release all at once: no cap is lower than before, and a halted segment gets nothing more', () => {
  fc.assert(
    fc.property(fc.nat(3_000), fc.nat(3_000), (cap, granted) => {
      const before = { ...anExposure(), cap, granted: Math.min(cap, granted) };
      const [halted = id<SegmentId>('rev-a')] = segments;
      const after = completeExposure(plan, before, new Set([halted]));
      assert.deepEqual([after.pi, after.isComplete], [1, true]);
      assert.ok(after.cap >= before.cap && after.cap >= populationOf(before));
      for (const [index, one] of after.segments.entries()) {
        const former = before.segments[index];
        assert.ok(former !== undefined && one.cap >= former.cap);
        if (one.segment === halted) assert.equal(one.cap, former.cap);
        else assert.ok(one.cap >= one.population);
      }
    }),
    propertyOptions(),
  );
});

/** So many devices treated and as many controls, all windows closed, a handful of crashes in either arm. */
function healthy(devices: number): Evidence {
  const perSegment = Math.floor(devices / segments.length);
  const arms = ['treated', 'control'] as const;
  const metrics = ['silent24', 'silent72', 'crash24', 'sensor24'] as const;
  if (perSegment === 0) return { ...emptyEvidence(plan, NOW), asOf: NOW };
  return {
    ...emptyEvidence(plan, NOW),
    asOf: NOW,
    lastEnrolledAt: NOW,
    base: segments.map((segment) => {
      return { metric: 'revert', segment, open: perSegment, closed: perSegment, events: 0, confirmed: perSegment };
    }),
    closed: segments.flatMap((segment) =>
      metrics.flatMap((metric) => arms.map((arm) => ({ metric, segment, arm, closed: perSegment, events: 1 }))),
    ),
  };
}
