// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { emptyEvidence } from '../evidence/count.ts';
import type { BaseCount, Evidence } from '../evidence/evidence.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { prng } from '../kernel/prng.ts';
import { rateLower, rateUpper, thetaLower, thetaUpper } from './bounds.ts';
import { SHOWN_CONFIDENCE, SHOWN_GOAL, type ShownRate, shownRates } from './shown-rates.ts';

// The numbers at the end come from outside: the formulae of design/decision.md in Python with mpmath 1.3.0 at 60 decimal
// digits (roots by 250 halvings), rounded to double precision; the error of each bound is 0.01 / 2 / 22.

const plan = aPlan();
const revA = id<SegmentId>('rev-a');
const revB = id<SegmentId>('rev-b');
/** Two metrics with one bound each and five with four share half of one in a hundred. */
const ERROR = 0.01 / 2 / 22;

test('both bounds of a rate agree with arbitrary precision, up to counts of 1e9', () => {
  for (const [closed, events, segments, lower, upper] of RATES) {
    const what = `${events} of ${closed} in ${segments}`;
    assertClose(rateLower({ closed, events }, ERROR / segments), lower, what);
    assertClose(rateUpper({ closed, events }, ERROR / segments), upper, what);
  }
});

test('both bounds of the odds, and what they say of the excess over control, agree with arbitrary precision', () => {
  const strata = [
    { pi: 0.2, eventsTreated: 60, eventsControl: 90 },
    { pi: 0.5, eventsTreated: 500, eventsControl: 300 },
  ];
  assertClose(thetaLower(strata, ERROR), 1.2721854128888455, 'lower');
  assertClose(thetaUpper(strata, ERROR), 2.5540849014453073, 'upper');
  const evidence: Evidence = {
    ...emptyEvidence(plan, NOW),
    coin: strata.map((one) => ({ metric: 'crash24', segment: revA, eventsControlFirstHalf: 0, ...one })),
    closed: [
      { metric: 'crash24', segment: revA, arm: 'treated', closed: 20_000, events: 560 },
      { metric: 'crash24', segment: revA, arm: 'control', closed: 14_000, events: 390 },
    ],
  };
  const crash = shownIn(evidence, 'crash24');
  assertClose(crash.lower, 0.005784547695740536, 'excess, lower');
  assertClose(crash.upper, 0.03450846463287313, 'excess, upper');
  assert.deepEqual([crash.kind, crash.verdict], ['excess', 'above-goal']);
});

test('a finished rollout is told whether 0.01 % is shown, overall and in the segment of which least is', () => {
  const shown = shownRates(plan, withReverts(reverts(revA, 1_000_000, 0), reverts(revB, 1_000, 3)));
  const [overall, worst] = shown.filter((one) => one.metric === 'revert');
  assert.equal(overall?.verdict, 'within-goal');
  assert.equal(overall?.segment, undefined);
  assert.deepEqual([worst?.segment, worst?.closed, worst?.events, worst?.verdict], ['rev-b', 1_000, 3, 'not-shown']);
  assert.ok(worst !== undefined && worst.upper > SHOWN_GOAL);
});

test('what is not shown yet says how many outcomes would show it, and they do', () => {
  for (const [events, needed] of [
    [0, 149_175],
    [3, 240_709],
  ] as const) {
    const shown = shownIn(withReverts(reverts(revA, 1_000, events)), 'revert');
    assert.equal(shown.verdict, 'not-shown');
    assert.equal(shown.closedNeeded, needed, `${events} events`);
    assert.equal(shownIn(withReverts(reverts(revA, needed, events)), 'revert').verdict, 'within-goal');
    assert.equal(shownIn(withReverts(reverts(revA, needed - 1, events)), 'revert').verdict, 'not-shown');
  }
});

test('far too many failures are told as such, and so are devices that nobody heard of', () => {
  const failing: BaseCount = { ...reverts(revA, 10_000, 90), open: 10_400 };
  const shown = shownIn(withReverts(failing), 'revert');
  assert.deepEqual([shown.verdict, shown.closedNeeded, shown.unheard], ['above-goal', undefined, 400]);
});

test('with no outcome nothing is shown, and nothing is said of what the plan does not watch', () => {
  assert.deepEqual(
    shownRates(plan, emptyEvidence(plan, NOW)).filter((one) => one.kind === 'rate'),
    [],
  );
  for (const one of shownRates(plan, emptyEvidence(plan, NOW))) {
    assert.deepEqual([one.lower, one.upper, one.verdict], [0, 1, 'not-shown'], one.metric);
  }
  const watching = aPlan({ gates: { ...plan.gates, metrics: plan.gates.metrics.slice(0, 1) } });
  const shown = shownRates(watching, withReverts(reverts(revA, 10, 0)));
  assert.deepEqual(
    shown.map((one) => one.metric),
    ['revert', 'revert'],
  );
});

test('looked at after every installation, the interval holds the true rate in more than 99 of 100 rollouts', () => {
  const source = prng(String(propertyOptions().seed));
  let missed = 0;
  for (let rollout = 0; rollout < ROLLOUTS; rollout++) {
    let events = 0;
    for (let closed = 1; closed <= INSTALLS; closed++) {
      const isEvent = source.next() < TRUE_RATE;
      events += isEvent ? 1 : 0;
      // Between events the upper bound falls and the lower one too: each is nearest to the truth just after or before one.
      if (!isEvent && closed < INSTALLS) continue;
      const isMissed =
        rateUpper({ closed: closed - 1, events: events - (isEvent ? 1 : 0) }, TEST_ERROR) < TRUE_RATE ||
        rateLower({ closed, events }, TEST_ERROR) > TRUE_RATE;
      if (!isMissed) continue;
      missed += 1;
      break;
    }
  }
  assert.ok(missed <= TEST_ERROR * ROLLOUTS, `${missed} of ${ROLLOUTS}`);
});

const ROLLOUTS = 2_000;
const INSTALLS = 20_000;
const TRUE_RATE = 0.001;
const TEST_ERROR = 1 - SHOWN_CONFIDENCE;

function shownIn(evidence: Evidence, metric: ShownRate['metric']): ShownRate {
  const found = shownRates(plan, evidence).find((one) => one.metric === metric && one.segment === undefined);
  assert.ok(found !== undefined);
  return found;
}

function withReverts(...base: readonly BaseCount[]): Evidence {
  return { ...emptyEvidence(plan, NOW), base };
}

function reverts(segment: SegmentId, closed: number, events: number): BaseCount {
  return { metric: 'revert', segment, open: closed, closed, events, confirmed: closed - events };
}

function assertClose(seen: number, expected: number, what: string): void {
  const isClose = seen === expected || Math.abs(seen - expected) <= 1e-11 * Math.abs(expected);
  assert.ok(isClose, `${what}: ${seen} is not ${expected}`);
}

type Golden = readonly [closed: number, events: number, segments: number, lower: number, upper: number];

const RATES: readonly Golden[] = [
  [10, 0, 1, 0, 0.6367090358471925],
  [10, 10, 1, 0.3632909641528074, 1],
  [1000, 3, 1, 1.98222454911292e-5, 0.020721207371812586],
  [119_990, 3, 1, 7.400813320346597e-8, 0.00019728116794673177],
  [119_990, 3, 2, 5.870435119864996e-8, 0.0002038792321719917],
  [1_000_000, 0, 1, 0, 1.58693542472789e-5],
  [1_000_000, 150, 2, 9.061921395564176e-5, 0.00023094414068199835],
  [1_000_000_000, 99_000, 1, 9.707432170411563e-5, 0.00010095097555734906],
];
