// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { count, emptyEvidence } from '../evidence/count.ts';
import { eventsBetween } from '../evidence/events.ts';
import type { Evidence, EvidenceEvent } from '../evidence/evidence.ts';
import type { LedgerOutcome, LedgerRow } from '../gateway/ledger.ts';
import type { DeviceId, Epoch, PermitId, ReleaseId, SegmentId } from '../kernel/ids.ts';
import { prng } from '../kernel/prng.ts';
import { HOUR_MS } from '../kernel/time.ts';
import { aaAlarms } from './aa-monitor.ts';
import { tallyWithout } from './tally.ts';
import { AA_ALPHA } from './thresholds.ts';

const plan = aPlan();
const SEGMENT = id<SegmentId>('rev-a');

test('arms that the coin drew raise no alarm, looked at after every enrolment, in fewer than one rollout in a hundred', () => {
  const source = prng(SEED);
  let alarmed = 0;
  for (let rollout = 0; rollout < NULL_ROLLOUTS; rollout++) alarmed += isAlarmed(source, () => 1) ? 1 : 0;
  assert.ok(alarmed <= AA_ALPHA * NULL_ROLLOUTS, `${alarmed} of ${NULL_ROLLOUTS}`);
});

for (const fact of ['crash', 'silence'] as const) {
  const expected = fact === 'crash' ? /^crashes before/ : /^silence before/;
  test(`devices with ${fact} before are treated less often by a bug: the monitor names it`, () => {
    const evidence = enrolled(prng(SEED), { devices: 20_000, biasOf: (facts) => (facts[fact] ? 0.5 : 1) });
    const alarms = aaAlarms(tallyWithout(evidence, new Set()));
    assert.ok(
      alarms.some((one) => expected.test(one)),
      alarms.join('; '),
    );
  });
}

test('rows whose facts are not known count for no test of them, in neither arm', () => {
  const outcome = outcomeOf({ arm: 'treated' });
  const known = outcomeOf({ arm: 'treated', hadCrashBefore: false, wasSilentBefore: false });
  for (const one of [outcome, known]) {
    const evidence = count(emptyEvidence(plan, NOW), eventsBetween(one, { afterMs: -1, upTo: NOW }, plan), NOW);
    assert.deepEqual(evidence.before, []);
  }
});

test('rows with facts are counted under the effective pi of their enrolment; without a coin they are not', () => {
  const facts = { hadCrashBefore: true, wasSilentBefore: true } as const;
  const rows = [
    outcomeOf({ ...facts, arm: 'treated', piEffective: 0.375 }),
    outcomeOf({ ...facts, arm: 'control', piEffective: 0.375 }),
    outcomeOf({ ...facts, arm: 'treated', piEffective: 1, isRing: true }),
  ];
  const events = rows.flatMap((one) => eventsBetween(one, { afterMs: -1, upTo: NOW }, plan));
  const shared = { segment: SEGMENT, pi: 0.375, eventsTreated: 1, eventsControl: 1 };
  assert.deepEqual(count(emptyEvidence(plan, NOW), events, NOW).before, [
    { fact: 'crash', ...shared },
    { fact: 'silence', ...shared },
  ]);
});

test('evidence that was counted before these facts were known raises no alarm of them', () => {
  const { before: _, ...older } = emptyEvidence(plan, NOW);
  assert.deepEqual(aaAlarms(tallyWithout(older, new Set())), []);
});

const SEED = String(propertyOptions().seed);
const NULL_ROLLOUTS = 400;
const NULL_DEVICES = 400;
const PI = 0.2;
const CRASH_SHARE = 0.2;
const SILENCE_SHARE = 0.1;

interface Facts {
  readonly crash: boolean;
  readonly silence: boolean;
}

type Prng = ReturnType<typeof prng>;

/** Enrols device by device and looks each time, as a monitor that is asked every minute would. */
function isAlarmed(source: Prng, biasOf: (facts: Facts) => number): boolean {
  let evidence = emptyEvidence(plan, NOW);
  for (let device = 0; device < NULL_DEVICES; device++) {
    evidence = count(evidence, enrolOne(source, biasOf), NOW);
    if (aaAlarms(tallyWithout(evidence, new Set())).length > 0) return true;
  }
  return false;
}

function enrolled(
  source: Prng,
  given: { readonly devices: number; readonly biasOf: (facts: Facts) => number },
): Evidence {
  const events = Array.from({ length: given.devices }, () => enrolOne(source, given.biasOf)).flat();
  return count(emptyEvidence(plan, NOW), events, NOW);
}

function enrolOne(source: Prng, biasOf: (facts: Facts) => number): readonly EvidenceEvent[] {
  const facts = { crash: source.next() < CRASH_SHARE, silence: source.next() < SILENCE_SHARE };
  const arm = source.next() < PI * biasOf(facts) ? 'treated' : 'control';
  const row = { arm, piEffective: PI, hadCrashBefore: facts.crash, wasSilentBefore: facts.silence } as const;
  return eventsBetween(outcomeOf(row), { afterMs: -1, upTo: NOW }, plan);
}

function outcomeOf(change: Partial<LedgerRow>): LedgerOutcome {
  return {
    position: 1,
    row: {
      rolloutId: plan.rolloutId,
      deviceId: id<DeviceId>('d1'),
      enrolment: 1,
      kind: 'enrolment',
      releaseId: id<ReleaseId>('camera-1.1.0'),
      segment: SEGMENT,
      arm: 'treated',
      piBefore: 0,
      pi: 0.5,
      piEffective: 0.5,
      isRing: false,
      isPanel: false,
      permitId: id<PermitId>('p1'),
      epoch: 1 as Epoch,
      grantedAt: NOW,
      permitLifeMs: HOUR_MS,
      ...change,
    },
  };
}
