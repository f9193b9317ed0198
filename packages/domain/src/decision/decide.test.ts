// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { emptyEvidence } from '../evidence/count.ts';
import type { BaseCount, CoinCount, Evidence } from '../evidence/evidence.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { DAY_MS, fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { decide, decideWithoutShown } from './decide.ts';
import type { Decision, DecisionInput } from './decision.ts';

const plan = aPlan();
const excluding = aPlan({ onSegmentHalt: 'exclude-segment' });
const segments = ['rev-a', 'rev-b', 'rev-c'].map((text) => id<SegmentId>(text));
const [revA = id<SegmentId>('rev-a'), revB = revA, revC = revA] = segments;

test('two reverts of the first ten permits halt the rollout, and the verdict names metric and figures', () => {
  const { overall } = decide(plan, inputOf({ base: [reverts(revA, 5, 1), reverts(revB, 5, 1)] }));
  assert.equal(overall.kind, 'halt');
  assert.equal(overall.reason, 'Revert overall: ln E 8.10 reached 6.68');
});

test('one revert of the first ten does not', () => {
  assert.notEqual(decide(plan, inputOf({ base: [reverts(revA, 10, 1)] })).overall.kind, 'halt');
});

test('a segment that always fails halts the rollout by its own evidence', () => {
  const { overall, segments: verdicts } = decide(plan, inputOf({ base: [reverts(revA, 200, 0), reverts(revC, 3, 3)] }));
  assert.deepEqual(
    verdicts.map((one) => one.verdict.kind),
    ['admit', 'admit', 'halt'],
  );
  assert.equal(overall.kind, 'halt');
  assert.match(overall.reason, /^Revert in rev-c: ln E 18\.\d\d reached 7\.78/);
});

test('where a plan says so, a failing segment is excluded and the rest goes on without its counts', () => {
  const decision = decide(excluding, inputOf({ base: [reverts(revA, 200, 0), reverts(revC, 3, 3)] }));
  assert.equal(decision.segments.find((one) => one.segment === revC)?.verdict.kind, 'halt');
  assert.equal(decision.overall.kind, 'admit');
  assert.ok((decision.figures.find((one) => one.metric === 'revert' && one.segment === undefined)?.lnE ?? 1) < 0);
});

test('a segment that was halted before stays halted and out of the overall figures', () => {
  const input = { ...inputOf({ base: [reverts(revC, 3, 3)] }), haltedSegments: [revC] };
  const decision = decide(excluding, input);
  assert.deepEqual(decision.segments[2]?.verdict, { kind: 'halt', reason: 'Halted before' });
  assert.notEqual(decision.overall.kind, 'halt');
});

test('with every segment halted there is nothing left, and the rollout halts', () => {
  const input = { ...inputOf({}), haltedSegments: segments };
  assert.deepEqual(decide(excluding, input).overall, { kind: 'halt', reason: 'All segments' });
});

test('a release that fails in forty segments at once halts for a reason that can be stored', () => {
  const many = Array.from({ length: 40 }, (_, index) => id<SegmentId>(`a-hardware-revision-with-a-long-name-${index}`));
  const before = inputOf({ base: many.map((one) => reverts(one, 10, 10)) });
  const exposure = {
    ...before.exposure,
    segments: many.map((segment) => ({ segment, population: 100, cap: 20, granted: 10 })),
  };
  const { overall } = decide(plan, { ...before, exposure });
  assert.equal(overall.kind, 'halt');
  assert.match(overall.reason, /; and 36 more$/);
  assert.ok(overall.reason.length <= 1_024, `${overall.reason.length} characters`);
});

test('installations that fail too often pause, since a shared outage may be the cause', () => {
  const failures: BaseCount = { ...reverts(revA, 200, 14), metric: 'install' };
  const { overall } = decide(plan, inputOf({ base: [failures] }));
  assert.equal(overall.kind, 'pause');
  assert.match(overall.reason, /^Install in rev-a: ln E .*; install overall: ln E/);
});

test('the breaker pauses at four of two hundred installations in ten minutes, whatever the evidence says', () => {
  const slow = aPlan({ gates: { ...plan.gates, alpha: 1e-9 } });
  const at = (reverted: number) =>
    decide(slow, inputOf({ recent: [{ slotEndsAt: NOW, ended: 200, reverted }] })).overall.kind;
  assert.equal(at(4), 'pause');
  assert.equal(at(3), 'admit');
});

test('crashes of the treated arm halt when the control has none, and an outage of both arms does not', () => {
  assert.equal(decide(plan, inputOf({ coin: [crashes(40, 0)] })).overall.kind, 'halt');
  assert.notEqual(decide(plan, inputOf({ coin: [crashes(400, 400)] })).overall.kind, 'halt');
});

test('late evidence holds and widens nothing', () => {
  const input = { ...inputOf({ base: [confirmed(revA, 100)] }), now: fleetInstant(NOW + HOUR_MS) };
  const decision = decide(plan, input);
  assert.deepEqual(decision.overall, { kind: 'hold', reason: 'The evidence is more than 30 minutes old' });
  assert.equal(decision.exposure.cap, input.exposure.cap);
});

test('arms that the coin cannot have drawn hold the rollout', () => {
  const input = inputOf({
    base: [confirmed(revA, 100)],
    enrolments: [{ segment: revA, pi: 0.5, treated: 100, control: 40 }],
  });
  const { overall } = decide(plan, input);
  assert.equal(overall.kind, 'hold');
  assert.match(overall.reason, /^The arms are not as the coin drew them: sample ratio of the arms/);
});

test('counts that cannot be are an error that a person sees, never a pass', () => {
  const input = inputOf({ base: [{ ...reverts(revA, 3, 0), closed: 2, events: 3 }] });
  const { overall, exposure } = decide(plan, input);
  assert.equal(overall.kind, 'hold');
  assert.match(overall.reason, /^error: A count that cannot be: events of revert is 3, allowed is/);
  assert.equal(exposure.cap, input.exposure.cap);
});

test('a segment without a control although luck cannot explain it holds its own cap', () => {
  const input = inputOf({
    base: [{ ...confirmed(revA, 20), segment: revB }],
    enrolments: [{ segment: revB, pi: 0.5, treated: 20, control: 0 }],
  });
  const low = { ...input.exposure, segments: input.exposure.segments.map((one) => ({ ...one, cap: 50 })) };
  const decision = decide(excluding, { ...input, exposure: low });
  // The sample ratio is an alarm by then as well, so the whole rollout holds.
  assert.equal(decision.segments.find((one) => one.segment === revB)?.verdict.kind, 'hold');
  assert.equal(decision.exposure.segments.find((one) => one.segment === revB)?.cap, 50);
});

test('the same input gives the same decision, and caps, pi and wave never fall', () => {
  fc.assert(
    fc.property(anInput(), (input) => {
      const decision = decide(plan, input);
      assert.deepEqual(decide(plan, input), decision);
      assert.ok(isWider(decision, input));
    }),
    propertyOptions({ runs: 300 }),
  );
});

test('more reverts never let in more devices', () => {
  fc.assert(
    fc.property(anInput(), fc.integer({ min: 1, max: 20 }), (input, more) => {
      const worse = input.evidence.base.map((one) => ({ ...one, events: Math.min(one.closed, one.events + more) }));
      const after = decide(plan, { ...input, evidence: { ...input.evidence, base: worse } });
      assert.ok(after.exposure.cap <= decide(plan, input).exposure.cap);
    }),
    propertyOptions({ runs: 300 }),
  );
});

test('each count that cannot be is found, whichever field of whichever row it stands in', () => {
  const whole: Pick<Evidence, 'base' | 'coin' | 'closed' | 'before'> = {
    base: [{ metric: 'install', segment: revA, open: 9, closed: 8, events: 2, confirmed: 6 }],
    coin: [
      { metric: 'crash24', segment: revA, pi: 0.5, eventsTreated: 3, eventsControl: 4, eventsControlFirstHalf: 1 },
    ],
    closed: [{ metric: 'crash24', segment: revA, arm: 'treated', closed: 5, events: 3 }],
    before: [{ fact: 'crash', segment: revA, pi: 0.5, eventsTreated: 1, eventsControl: 2 }],
  };
  assert.doesNotMatch(decide(plan, inputOf(whole)).overall.reason, /^error/);
  for (const [table, [row]] of Object.entries(whole)) {
    for (const [field, value] of Object.entries(row ?? {})) {
      if (typeof value !== 'number') continue;
      for (const impossible of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        const evidence = { ...whole, [table]: [{ ...row, [field]: impossible }] };
        assert.match(decide(plan, inputOf(evidence)).overall.reason, /^error: A /, `${table} ${field} ${impossible}`);
      }
    }
  }
});

test('what a finished rollout has shown stands beside the decision and moves nothing in it', () => {
  const input = inputOf({ base: [reverts(revA, 200, 0)] });
  const finished = { ...input, exposure: { ...input.exposure, isComplete: true } };
  const { shown, ...decision } = decide(plan, finished);
  assert.ok(shown !== undefined && shown.length > 0);
  assert.deepEqual(decideWithoutShown(plan, finished), decision);
});

function isWider({ exposure }: Decision, input: DecisionInput): boolean {
  const before = input.exposure;
  const isSegmentsWider = exposure.segments.every((one, index) => one.cap >= (before.segments[index]?.cap ?? 0));
  return (
    isSegmentsWider && exposure.cap >= before.cap && exposure.pi >= before.pi && exposure.waveIndex >= before.waveIndex
  );
}

function inputOf(counts: Partial<Evidence>): DecisionInput {
  const evidence: Evidence = { ...emptyEvidence(plan, NOW), asOf: NOW, ...counts };
  return { evidence, exposure: anExposure({ cap: 10 }), now: NOW };
}

function reverts(segment: SegmentId, open: number, events: number): BaseCount {
  return { metric: 'revert', segment, open, closed: open, events, confirmed: open - events };
}

function confirmed(segment: SegmentId, devices: number): BaseCount {
  return reverts(segment, devices, 0);
}

function crashes(eventsTreated: number, eventsControl: number): CoinCount {
  const eventsControlFirstHalf = Math.floor(eventsControl / 2);
  return { metric: 'crash24', segment: revA, pi: 0.5, eventsTreated, eventsControl, eventsControlFirstHalf };
}

function anInput(): fc.Arbitrary<DecisionInput> {
  const base = fc
    .record({ segment: fc.constantFrom(...segments), open: fc.nat(3000), events: fc.nat(3), pending: fc.nat(20) })
    .map(({ segment, open, events, pending }) => {
      const closed = Math.max(0, open - pending);
      const failed = Math.min(events, closed);
      return { metric: 'revert' as const, segment, open, closed, events: failed, confirmed: closed - failed };
    });
  const closed = fc
    .record({
      metric: fc.constantFrom<CoinCount['metric']>('silent24', 'silent72', 'crash24', 'sensor24'),
      segment: fc.constantFrom(...segments),
      arm: fc.constantFrom('treated' as const, 'control' as const),
      closed: fc.nat(3000),
      share: fc.nat(40),
    })
    .map(({ share, ...one }) => ({ ...one, events: Math.floor((one.closed * share) / 1000) }));
  const exposure = fc
    .record({ waveIndex: fc.nat(4), cap: fc.integer({ min: 10, max: 3000 }), pi: fc.constantFrom(0.2, 0.5, 10 / 11) })
    .map((own) => anExposure({ ...own, waveStartedAt: fleetInstant(NOW - 2 * DAY_MS) }));
  return fc
    .record({ base: fc.array(base, { maxLength: 3 }), closed: fc.array(closed, { maxLength: 12 }), exposure })
    .map(({ exposure: own, ...counts }) => ({
      ...inputOf({ ...counts, lastEnrolledAt: NOW }),
      exposure: own,
    }));
}
