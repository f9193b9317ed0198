// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, id } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { ReleaseId, SegmentId } from '../../kernel/ids.ts';
import { defaultGates } from '../../policy/default-plan.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import { driftOf } from './drift.ts';
import { type BaseMetric, type HistoryCell, poissonLower, poissonUpper, type ReleaseHistory, Z_95 } from './history.ts';
import { lintPlan } from './lint-plan.ts';
import { proposeBaseRates, STATED_BASE_RATES, WORST_HOUR_FACTOR } from './propose.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

describe('the bounds on a rate of rare events', () => {
  test('agree with the exact Poisson bounds', () => {
    // 95 % one-sided, of 0, 3, 10 and 100 events. Source: Garwood 1936, by the chi-square quantiles.
    for (const [events, lower, upper] of [
      [0, 0, 2.996],
      [3, 0.818, 7.754],
      [10, 5.425, 16.962],
      [100, 84.14, 118.08],
    ] as const) {
      assert.ok(Math.abs(poissonUpper({ installs: 1e6, events }, Z_95) * 1e6 - upper) < 0.02 * upper);
      assert.ok(Math.abs(poissonLower({ installs: 1e6, events }, Z_95) * 1e6 - lower) <= 0.05 * lower);
    }
  });
});

describe('the proposal', () => {
  test('for the first rollout of a fleet is the stated value', () => {
    for (const { metric, baseRate, source } of proposeBaseRates([])) {
      assert.equal(baseRate, STATED_BASE_RATES[metric]);
      assert.equal(source, 'stated');
    }
  });

  test('is at least one and a half times the worst hour that was really there', () => {
    const swing = (hour: number): number => 0.0002 * (1 + 0.5 * Math.sin((2 * Math.PI * hour) / 24));
    const history = [releaseOf('revert', (hour) => [100_000, Math.round(100_000 * swing(hour))])];
    const [revert] = proposeBaseRates(history);
    assert.ok(revert !== undefined && revert.source === 'history');
    assert.ok(revert.baseRate >= WORST_HOUR_FACTOR * 0.0003, `${revert.baseRate}`);
    assert.ok(revert.baseRate <= 0.0009, `${revert.baseRate}`);
  });

  test('follows a small segment that is clearly worse than the fleet', () => {
    const fleet = releaseOf('revert', () => [40_000, 4]).cells;
    const old = releaseOf('revert', () => [1_000, 1], 'old-hardware').cells;
    const [without, withOld] = [fleet, [...fleet, ...old]].map((cells) => proposeBaseRates([{ ...RELEASE, cells }])[0]);
    assert.equal(withOld?.worst?.segment, 'old-hardware');
    assert.ok((withOld?.baseRate ?? 0) > 2 * (without?.baseRate ?? 1));
  });

  test('takes a small segment by chance no worse than the fleet', () => {
    const fleet = releaseOf('revert', () => [40_000, 4]).cells;
    const unlucky = [{ metric: 'revert', segment: segment('few'), hourOfDay: 3, installs: 500, events: 1 } as const];
    const [proposal] = proposeBaseRates([{ ...RELEASE, cells: [...fleet, ...unlucky] }]);
    assert.equal(proposal?.worst?.segment, undefined);
  });

  test('never asks for more than the stated value out of ignorance alone, nor for next to nothing out of luck', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), (installs) => {
        const [revert] = proposeBaseRates([releaseOf('revert', () => [installs, 0])]);
        return revert !== undefined && revert.baseRate >= 0.0001 && revert.baseRate <= STATED_BASE_RATES.revert;
      }),
      propertyOptions({ runs: 100 }),
    );
  });
});

describe('the linter', () => {
  const bad = [releaseOf('revert', (hour) => [50_000, hour === 7 ? 60 : 5])];

  test('refuses a base rate that the worst hour of the last release contradicts, and names the hour', () => {
    const findings = lintPlan(planWith('revert', 0.0005), bad);
    assert.deepEqual(
      findings.map((one) => [one.code, one.severity]),
      [
        ['base-rate-contradicted', 'refuse'],
        ['base-rate-unfounded', 'warn'],
      ],
    );
    assert.match(findings[0]?.detail ?? '', /60 of 50000 .* from 7:00 to 8:00 UTC/);
  });

  test('accepts what the proposal says, whatever the history', () => {
    const cell = fc.record({ installs: fc.integer({ min: 1, max: 200_000 }), permille: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 24, maxLength: 24 }), (cells) => {
        const history = [
          releaseOf('revert', (hour) => {
            const { installs = 1, permille = 0 } = cells[hour] ?? {};
            return [installs, Math.floor((installs * permille) / 1000)];
          }),
        ];
        const [proposal] = proposeBaseRates(history);
        const findings = lintPlan(planWith('revert', proposal?.baseRate ?? 1), history);
        return !findings.some((one) => one.severity === 'refuse');
      }),
      propertyOptions({ runs: 100 }),
    );
  });

  test('warns of a base rate that would hide harm', () => {
    const calm = [releaseOf('revert', () => [100_000, 10])];
    const codes = lintPlan(planWith('revert', 0.05), calm).map((one) => one.code);
    assert.ok(codes.includes('base-rate-lax'));
  });

  test('warns of the default plan on the first rollout of a fleet, and refuses nothing', () => {
    const findings = lintPlan(aPlan(), []);
    assert.deepEqual(new Set(findings.map((one) => one.code)), new Set(['base-rate-unfounded']));
    assert.ok(findings.every((one) => one.severity === 'warn'));
  });
});

describe('the drift', () => {
  const levels = (events: number) =>
    driftOf(
      planWith('revert', 0.0005),
      releaseOf('revert', () => [50_000, events]),
      [releaseOf('revert', () => [50_000, 5])],
    ).find((one) => one.metric === 'revert');

  test('is calm while the margin is there, near when it is used up, over when p0 caps no longer', () => {
    assert.deepEqual(
      [5, 18, 60].map((events) => levels(events)?.level),
      ['calm', 'near', 'over'],
    );
    assert.ok(Math.abs((levels(18)?.change ?? 0) - 3.6) < 1e-9);
  });

  test('is unknown without an installation', () => {
    const [revert] = driftOf(aPlan(), { ...RELEASE, cells: [] });
    assert.equal(revert?.level, 'unknown');
  });
});

const RELEASE: ReleaseHistory = { releaseId: id<ReleaseId>('camera-1.0.0'), cells: [] };

function releaseOf(
  metric: BaseMetric,
  countsOf: (hour: number) => readonly [number, number],
  name = 'rev-a',
): ReleaseHistory {
  const cells = HOURS.map((hourOfDay): HistoryCell => {
    const [installs, events] = countsOf(hourOfDay);
    return { metric, segment: segment(name), hourOfDay, installs, events };
  });
  return { releaseId: id<ReleaseId>('camera-1.0.0'), cells };
}

function segment(name: string): SegmentId {
  return id<SegmentId>(name);
}

function planWith(metric: BaseMetric, baseRate: number): RolloutPlan {
  const gates = defaultGates();
  const metrics = gates.metrics.map((one) =>
    one.kind === 'base' && one.metric === metric ? { ...one, baseRate } : one,
  );
  return aPlan({ gates: { ...gates, metrics } });
}
