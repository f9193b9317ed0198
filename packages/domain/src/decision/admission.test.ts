// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPlan, id } from '@outrider/testkit/small-fleet';
import type { SegmentId } from '../kernel/ids.ts';
import { fleetInstant } from '../kernel/time.ts';
import type { Gates } from '../policy/rollout.ts';
import { budgetOf, evidenceLimit, PI_LEVELS, piFor } from './admission.ts';
import { overallFigures } from './figures.ts';
import { RULE_NOW, type RuleVersion } from './rule.ts';
import { emptyTally, type Tally, tallyWithout } from './tally.ts';

const plan = aPlan();

test('the budget is 0.04 % of the fleet, at least 50 devices and at most 5,000', () => {
  assert.deepEqual(
    [1_000, 1_000_000, 50_000_000].map((fleet) => budgetOf(plan.gates, fleet)),
    [50, 400, 5000],
  );
  assert.equal(budgetOf({ ...plan.gates, budgetDevices: 30 }, 1_000_000), 30);
  assert.equal(budgetOf({ ...plan.gates, profile: 'careful' }, 1_000_000), 200);
});

test('before anything is heard ten devices may have the release, on any fleet', () => {
  for (const budgetDevices of [50, 5000]) assert.equal(limitOf(emptyTally(), budgetDevices).devices, 10);
});

test('after the first step it is four times the confirmed boots, until the budget for silence binds', () => {
  assert.deepEqual(limitOf(booted(10), 50), { devices: 40, because: '10 confirmed boots allow 40 devices' });
  assert.deepEqual(limitOf(booted(40), 50), {
    devices: 50,
    because: 'no control window of silent24 has closed yet, which allows 50 devices',
  });
});

test('boots that are not confirmed let nobody else in', () => {
  const tally = { ...emptyTally(), revert: { open: 10, closed: 0, events: 0, confirmed: 0 } };
  assert.equal(limitOf(tally, 50).devices, 10);
});

test('closed windows of both arms widen by the bound on harm, each metric by its own budget', () => {
  const few = limitOf(watched(200), 50).devices;
  const many = limitOf(watched(2000), 50).devices;
  assert.ok(few > 200 && many > few, `${few}, ${many}`);
});

test('after three days it is twelve times the devices past their first day; a decision of rule 1 replays with twenty', () => {
  // A million devices are past everything else, so that nothing but the first day limits.
  const late = watched(1_000_000);
  const counts = { closed: 1_000, events: 0 };
  const firstDay = { strata: [], controlHalves: [0, 0] as const, treated: counts, control: counts };
  const tally = { ...late, coin: new Map(late.coin).set('silent24', firstDay) };
  const of = (rule: RuleVersion): number => limitOf(tally, 400, plan.gates, rule).devices;
  assert.deepEqual([of(1), of(2)], [20_000, 12_000]);
});

test('the profile for security fixes does not wait for the third day, the careful one waits longer', () => {
  const firstDayOnly = tallyOf(400, ['silent24', 'crash24', 'sensor24']);
  const of = (profile: Gates['profile']) => limitOf(firstDayOnly, 50, { ...plan.gates, profile }).devices;
  assert.ok(of('fast') > of('standard') && of('standard') > of('careful'));
  assert.equal(of('standard'), 150);
  assert.equal(of('careful'), 50);
});

test('pi is the smallest level with room for the cap, never falls, and is 1 only at completion', () => {
  assert.deepEqual(
    [10, 1_000, 1_001, 2_500, 2_501, 9_000].map((cap) => piFor(cap, 10_000, 0)),
    [0.2, 0.2, 0.5, 0.5, 10 / 11, 10 / 11],
  );
  assert.equal(piFor(10, 10_000, 0.5), 0.5);
  assert.ok(PI_LEVELS.every((level) => level < 1));
});

function limitOf(tally: Tally, budgetDevices: number, gates: Gates = plan.gates, rule: RuleVersion = RULE_NOW) {
  const own = aPlan({ gates });
  return evidenceLimit({ plan: own, tally, figures: overallFigures(own, tally), budgetDevices, rule });
}

function booted(devices: number): Tally {
  return { ...emptyTally(), revert: { open: devices, closed: devices, events: 0, confirmed: devices } };
}

function watched(devices: number): Tally {
  return tallyOf(devices, ['silent24', 'silent72', 'crash24', 'sensor24']);
}

/** Devices of either arm whose windows of these metrics have closed without an event. */
function tallyOf(devices: number, metrics: readonly ('silent24' | 'silent72' | 'crash24' | 'sensor24')[]): Tally {
  const segment = id<SegmentId>('rev-a');
  const evidence = {
    rolloutId: plan.rolloutId,
    asOf: fleetInstant(0),
    base: [{ metric: 'revert' as const, segment, open: devices, closed: devices, events: 0, confirmed: devices }],
    coin: [],
    closed: metrics.flatMap((metric) =>
      (['treated', 'control'] as const).map((arm) => ({ metric, segment, arm, closed: devices, events: 0 })),
    ),
    enrolments: [],
    recent: [],
  };
  return tallyWithout(evidence, new Set());
}
