// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aPlan } from '@outrider/testkit/small-fleet';
import { DAY_MS, durationMs, hours, minutes } from '../kernel/time.ts';
import { defaultGates, defaultWaves } from './default-plan.ts';
import { PLAN_ERRORS, type PlanErrorCode } from './errors.ts';
import type { Gates, MetricGate, RolloutPlan, Wave } from './rollout.ts';
import { validatePlan } from './validate-plan.ts';

const WAVE: Wave = { name: 'all', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) };
const REVERT: MetricGate = {
  kind: 'base',
  metric: 'revert',
  weight: 0.5,
  baseRate: 0.001,
  windowMs: hours(1),
  onCross: 'halt',
};
const CRASH: MetricGate = {
  kind: 'coin',
  metric: 'crash24',
  weight: 0.5,
  tolerance: 1.1,
  windowMs: hours(24),
  onCross: 'halt',
};

const BROKEN: readonly (readonly [code: PlanErrorCode, plan: RolloutPlan])[] = [
  ['salt-invalid', aPlan({ salt: 'short' })],
  ['salt-invalid', aPlan({ salt: 'r1|order|d1' })],
  ['permit-life-out-of-range', aPlan({ permitLifeMs: minutes(59) })],
  ['permit-life-out-of-range', aPlan({ permitLifeMs: hours(25) })],
  ['waves-missing', aPlan({ waves: [] })],
  ['wave-name-duplicate', aPlan({ waves: [{ ...WAVE, exposurePermille: 10 }, WAVE] })],
  ['wave-not-wider', aPlan({ waves: [WAVE, { ...WAVE, name: 'again' }] })],
  ['wave-not-wider', aPlan({ waves: [{ ...WAVE, name: 'nobody', exposurePermille: 0 }, WAVE] })],
  ['wave-not-wider', aPlan({ waves: [WAVE, { ...WAVE, name: 'less', exposurePermille: 500 }] })],
  ['last-wave-not-whole', aPlan({ waves: [{ ...WAVE, exposurePermille: 999 }] })],
  ['bake-too-long', aPlan({ waves: [{ ...WAVE, bakeMs: durationMs(31 * DAY_MS) }] })],
  ['alpha-out-of-range', withGates({ alpha: 0 })],
  ['alpha-out-of-range', withGates({ alpha: 0.2 })],
  ['metrics-missing', withGates({ metrics: [] })],
  ['metric-duplicate', withGates({ metrics: [REVERT, REVERT] })],
  ['weight-out-of-range', withGates({ metrics: [{ ...REVERT, weight: 0 }] })],
  ['weights-above-one', withGates({ metrics: [REVERT, { ...CRASH, weight: 0.6 }] })],
  ['tolerance-out-of-range', withGates({ metrics: [{ ...CRASH, tolerance: 1 }] })],
  ['base-rate-out-of-range', withGates({ metrics: [{ ...REVERT, baseRate: 0 }] })],
  ['outcome-window-differs', withGates({ metrics: [{ ...CRASH, windowMs: hours(72) }] })],
  ['outcome-window-out-of-range', withGates({ metrics: [{ ...REVERT, windowMs: hours(25) }] })],
  ['budget-out-of-range', withGates({ budgetDevices: 0 })],
];

describe('a rollout plan', () => {
  test('with the default gates and waves is valid', () => {
    assert.ok(validatePlan(aPlan()).ok);
  });

  test('may open several rings one after the other', () => {
    const ring = { ...WAVE, exposurePermille: 0 };
    const waves = [
      { ...ring, name: 'own', ringTags: ['dogfood'] },
      { ...ring, name: 'beta', ringTags: ['beta'] },
      WAVE,
    ];
    assert.ok(validatePlan(aPlan({ waves })).ok);
  });

  for (const [code, plan] of BROKEN) {
    test(`is refused by name: ${PLAN_ERRORS[code]} (${code})`, () => {
      const result = validatePlan(plan);
      assert.equal(!result.ok && result.error.code, code);
    });
  }

  test('has an example of every broken rule in this test', () => {
    assert.deepEqual(new Set(BROKEN.map(([code]) => code)), new Set(Object.keys(PLAN_ERRORS)));
  });

  test('shares out the whole of alpha by default', () => {
    const sum = defaultGates().metrics.reduce((total, gate) => total + gate.weight, 0);
    assert.ok(Math.abs(sum - 1) < 1e-12);
    assert.equal(defaultWaves().at(-1)?.exposurePermille, 1_000);
  });
});

function withGates(overrides: Partial<Gates>): RolloutPlan {
  return aPlan({ gates: { ...defaultGates(), ...overrides } });
}
