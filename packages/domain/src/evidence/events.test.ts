// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { withContact } from '../gateway/contact.ts';
import type { LedgerOutcome, LedgerRow } from '../gateway/ledger.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '../kernel/time.ts';
import { count, emptyEvidence } from './count.ts';
import { eventsBetween, outcomeWindowsMs } from './events.ts';
import type { EvidenceEvent } from './evidence.ts';

const plan = aPlan();
const FOREVER = fleetInstant(NOW + 400 * DAY_MS);

test('a row and what was heard of it gives the same events however time is cut', () => {
  fc.assert(
    fc.property(anOutcome(), fc.array(fc.nat(200 * HOUR_MS), { maxLength: 12 }), (outcome, offsets) => {
      const cuts = [...new Set([...offsets, 400 * DAY_MS])].sort((a, b) => a - b).map((offset) => later(offset));
      let from: FleetInstant | -1 = -1;
      const pieces: EvidenceEvent[] = [];
      for (const upTo of cuts) {
        pieces.push(...eventsBetween(outcome, { afterMs: from, upTo }, plan));
        from = upTo;
      }
      assert.deepEqual(texts(pieces), texts(all(outcome)));
    }),
    propertyOptions({ runs: 500 }),
  );
});

test('counting step by step equals a recount from the raw rows', () => {
  fc.assert(
    fc.property(fc.array(anOutcome(), { maxLength: 8 }), fc.array(fc.nat(200), { maxLength: 6 }), (outcomes, hours) => {
      const end = later(400 * HOUR_MS);
      let stepped = emptyEvidence(plan, NOW);
      for (const upTo of [...hours.sort((a, b) => a - b).map((one) => later(one * HOUR_MS)), end]) {
        const interval = { afterMs: stepped.asOf, upTo };
        stepped = count(
          stepped,
          outcomes.flatMap((one) => eventsBetween(one, interval, plan)),
          upTo,
        );
      }
      const start = emptyEvidence(plan, NOW);
      const interval = { afterMs: start.asOf, upTo: end };
      const events = outcomes.toReversed().flatMap((one) => eventsBetween(one, interval, plan));
      assert.deepEqual(stepped, count(start, events.toReversed(), end));
    }),
    propertyOptions(),
  );
});

test('an installation counts as open when it is permitted, and a control never does', () => {
  assert.deepEqual(kinds(all(outcomeOf({})), 'enrolled'), ['enrolled treated 0.5']);
  const control = count(emptyEvidence(plan, NOW), all(outcomeOf({ arm: 'control' })), FOREVER);
  assert.deepEqual(control.base, []);
  assert.deepEqual(control.enrolments, [{ segment: 'rev-a', pi: 0.5, treated: 0, control: 1 }]);
});

test('a confirmed boot that later reverts is a revert, and the success un-happens', () => {
  const outcome = outcomeOf({}, { verifiedAt: later(5 * MINUTE_MS), revertedAt: later(3 * DAY_MS) });
  const evidence = count(emptyEvidence(plan, NOW), all(outcome), FOREVER);
  assert.deepEqual(
    evidence.base.find((one) => one.metric === 'revert'),
    { metric: 'revert', segment: 'rev-a', open: 1, closed: 1, events: 1, confirmed: 0 },
  );
});

test('a device that failed to install and succeeded later counts once in either metric', () => {
  const outcome = outcomeOf({}, { installFailedAt: later(5 * MINUTE_MS), verifiedAt: later(6 * HOUR_MS) });
  const evidence = count(emptyEvidence(plan, NOW), all(outcome), FOREVER);
  assert.deepEqual(evidence.base, [
    { metric: 'install', segment: 'rev-a', open: 1, closed: 1, events: 1, confirmed: 1 },
    { metric: 'revert', segment: 'rev-a', open: 1, closed: 1, events: 0, confirmed: 1 },
  ]);
});

test('contacts in the first hour do not break a silence, later ones within the window do', () => {
  assert.deepEqual(silencesAfter([]), ['silent24', 'silent72', 'silent168']);
  assert.deepEqual(silencesAfter([HOUR_MS]), ['silent24', 'silent72', 'silent168']);
  assert.deepEqual(silencesAfter([HOUR_MS + 1, DAY_MS + 1, 3 * DAY_MS + 1]), []);
  assert.deepEqual(silencesAfter([DAY_MS, 3 * DAY_MS, 7 * DAY_MS]), []);
  assert.deepEqual(silencesAfter([DAY_MS + 1, 7 * DAY_MS]), ['silent24']);
});

test('a device that is lost on its second day is silent in the windows that end after it', () => {
  assert.deepEqual(silencesAfter([6 * HOUR_MS, 20 * HOUR_MS]), ['silent72', 'silent168']);
  assert.deepEqual(silencesAfter([6 * HOUR_MS, 40 * HOUR_MS]), ['silent168']);
  assert.deepEqual(silencesAfter([6 * HOUR_MS, 40 * HOUR_MS, 8 * DAY_MS]), ['silent168']);
});

test('silence is an event only when its window closes', () => {
  const outcome = outcomeOf({});
  const before = eventsBetween(outcome, { afterMs: NOW, upTo: fleetInstant(NOW + DAY_MS - 1) }, plan);
  assert.deepEqual(before, []);
  const at = eventsBetween(outcome, { afterMs: fleetInstant(NOW + DAY_MS - 1), upTo: later(DAY_MS) }, plan);
  assert.ok(at.some((one) => one.kind === 'coin-event' && one.metric === 'silent24'));
});

test('only devices of the long panel hold the window of 168 hours', () => {
  const metrics = (isPanel: boolean) =>
    all(outcomeOf({ isPanel })).flatMap((one) => (one.kind === 'window-closed' ? [one.metric] : []));
  assert.ok(!metrics(false).includes('silent168'));
  assert.ok(metrics(true).includes('silent168'));
});

test('a crash counts at its instant within a day of the permit, in both arms, and not later', () => {
  for (const arm of ['treated', 'control'] as const) {
    const heard = { firstContactAt: later(2 * HOUR_MS), secondDayContactAt: later(30 * HOUR_MS) };
    assert.deepEqual(kinds(all(outcomeOf({ arm }, { ...heard, crashedAt: later(DAY_MS) })), 'coin-event'), [
      'coin-event crash24',
    ]);
    assert.deepEqual(kinds(all(outcomeOf({ arm }, { ...heard, crashedAt: later(DAY_MS + 1) })), 'coin-event'), []);
  }
});

test('a ring feeds the counts of installations and the treated bounds, and says nothing about the coin', () => {
  const events = all(outcomeOf({ isRing: true, piEffective: 1 }, { crashedAt: later(HOUR_MS) }));
  assert.deepEqual(kinds(events, 'coin-event'), []);
  assert.ok(events.some((one) => one.kind === 'window-closed' && one.metric === 'crash24' && one.hadEvent));
});

test('a rollback is no evidence', () => {
  assert.deepEqual(all(outcomeOf({ kind: 'rollback' }, { revertedAt: later(HOUR_MS) })), []);
});

test('the windows of the default plan are 1, 24, 72 and 168 hours', () => {
  assert.deepEqual(
    outcomeWindowsMs(plan),
    [1, 24, 72, 168].map((one) => one * HOUR_MS),
  );
});

/** The silent windows of a row in the long panel whose device makes contact so long after the grant. */
function silencesAfter(contactsMs: readonly number[]): readonly string[] {
  const row = outcomeOf({ isPanel: true });
  const heard = contactsMs.reduce((outcome, ms) => withContact(outcome, later(ms)), row);
  return all(heard).flatMap((one) => (one.kind === 'coin-event' ? [one.metric] : []));
}

function later(ms: number): FleetInstant {
  return fleetInstant(NOW + ms);
}

function all(outcome: LedgerOutcome): readonly EvidenceEvent[] {
  return eventsBetween(outcome, { afterMs: -1, upTo: FOREVER }, plan);
}

function texts(events: readonly EvidenceEvent[]): readonly string[] {
  return events.map((one) => JSON.stringify(one)).sort();
}

function kinds(events: readonly EvidenceEvent[], kind: EvidenceEvent['kind']): readonly string[] {
  return events.flatMap((one) => {
    if (one.kind !== kind) return [];
    if (one.kind === 'coin-event') return [`${one.kind} ${one.metric}`];
    return [one.kind === 'enrolled' ? `${one.kind} ${one.arm} ${one.pi}` : one.kind];
  });
}

function outcomeOf(row: Partial<LedgerRow>, heard: Partial<LedgerOutcome> = {}): LedgerOutcome {
  return {
    position: 1,
    row: {
      rolloutId: plan.rolloutId,
      deviceId: id('d1'),
      enrolment: 1,
      kind: 'enrolment',
      releaseId: plan.releaseId,
      segment: id<SegmentId>('rev-a'),
      arm: 'treated',
      piBefore: 0,
      pi: 0.5,
      piEffective: 0.5,
      isRing: false,
      isPanel: false,
      permitId: id('p1'),
      epoch: 1 as LedgerRow['epoch'],
      grantedAt: NOW,
      permitLifeMs: plan.permitLifeMs,
      ...row,
    },
    ...heard,
  };
}

/** Any row with anything heard of it, at any time in ten days, in any order. */
function anOutcome(): fc.Arbitrary<LedgerOutcome> {
  const at = fc.oneof(fc.nat(240), fc.constantFrom(1, 24, 72, 168)).map((hours) => later(hours * HOUR_MS));
  const row = fc.record({
    arm: fc.constantFrom<LedgerRow['arm']>('treated', 'control'),
    isPanel: fc.boolean(),
    piEffective: fc.constantFrom(0.2, 0.375, 1),
    kind: fc.constantFrom<LedgerRow['kind']>('enrolment', 'enrolment', 'rollback'),
    deviceId: fc.constantFrom('d1', 'd2', 'd3').map((text) => id<LedgerRow['deviceId']>(text)),
  });
  const heard = fc.record(
    {
      firstContactAt: at,
      secondDayContactAt: at,
      fourthDayContactAt: at,
      verifiedAt: at,
      revertedAt: at,
      installFailedAt: at,
      crashedAt: at,
      sensorFaultAt: at,
    },
    { requiredKeys: [] },
  );
  return fc.tuple(row, heard).map(([own, instants]) => outcomeOf(own, instants));
}
