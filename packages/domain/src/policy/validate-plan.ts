// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import { DAY_MS, HOUR_MS, hours, MINUTE_MS } from '../kernel/time.ts';
import type { PlanError, PlanErrorCode } from './errors.ts';
import type { Gates, MetricGate, RolloutPlan, Wave } from './rollout.ts';

/** The rules between the fields of a parsed plan; the first one broken is told. Codes: those of `PlanErrorCode`. */
export function validatePlan(plan: RolloutPlan): Result<RolloutPlan, PlanError> {
  const error = faultOfSalt(plan) ?? faultOfPermitLife(plan) ?? faultOfWaves(plan.waves) ?? faultOfGates(plan.gates);
  return error === undefined ? ok(plan) : err(error);
}

/** `|` separates the parts that are hashed, so it must not stand in a salt. */
const SALT_PATTERN = /^[A-Za-z0-9._:@+-]{8,64}$/;
const PERMIT_LIFE_MS_MIN = HOUR_MS;
const PERMIT_LIFE_MS_MAX = DAY_MS;
const BAKE_MS_MAX = 30 * DAY_MS;
const ALPHA_MAX = 0.1;
const TOLERANCE_MAX = 10;
const BASE_RATE_BELOW = 0.5;
const INSTALL_WINDOW_MS_MIN = 10 * MINUTE_MS;
const INSTALL_WINDOW_MS_MAX = DAY_MS;
/** Decimal weights such as ten times 0.1 may sum to a rounding error above one. */
const ROUNDING = 1e-9;

function faultOfSalt({ salt }: RolloutPlan): PlanError | undefined {
  if (SALT_PATTERN.test(salt)) return undefined;
  return fault('salt-invalid', 'salt', [salt, '8 to 64 letters, digits and . _ : @ + -']);
}

function faultOfPermitLife({ permitLifeMs }: RolloutPlan): PlanError | undefined {
  if (permitLifeMs >= PERMIT_LIFE_MS_MIN && permitLifeMs <= PERMIT_LIFE_MS_MAX) return undefined;
  const allowed = `${PERMIT_LIFE_MS_MIN} to ${PERMIT_LIFE_MS_MAX} ms`;
  return fault('permit-life-out-of-range', 'permitLifeMs', [`${permitLifeMs} ms`, allowed]);
}

function faultOfWaves(waves: readonly Wave[]): PlanError | undefined {
  const last = waves.at(-1);
  if (last === undefined) return fault('waves-missing', 'waves', ['an empty list', 'one wave or more']);
  for (const index of waves.keys()) {
    const error = faultOfWave(waves, index);
    if (error !== undefined) return error;
  }
  if (last.exposurePermille === 1_000) return undefined;
  const field = `waves[${waves.length - 1}].exposurePermille`;
  return fault('last-wave-not-whole', field, [`${last.exposurePermille}`, '1000']);
}

function faultOfWave(waves: readonly Wave[], index: number): PlanError | undefined {
  const wave = waves[index];
  if (wave === undefined) return undefined;
  const earlier = waves.slice(0, index);
  const at = `waves[${index}]`;
  if (earlier.some((one) => one.name === wave.name)) {
    return fault('wave-name-duplicate', `${at}.name`, [wave.name, 'a name that no other wave has']);
  }
  const before = earlier.at(-1)?.exposurePermille ?? 0;
  const ringsBefore = earlier.flatMap((one) => one.ringTags);
  const opensRing = wave.ringTags.some((tag) => !ringsBefore.includes(tag));
  const isWider = wave.exposurePermille > before || (wave.exposurePermille === before && opensRing);
  if (!isWider) {
    const allowed = `above ${before}, or ${before} with a ring tag that no earlier wave has`;
    return fault('wave-not-wider', `${at}.exposurePermille`, [`${wave.exposurePermille}`, allowed]);
  }
  if (wave.bakeMs > BAKE_MS_MAX) {
    return fault('bake-too-long', `${at}.bakeMs`, [`${wave.bakeMs} ms`, `at most ${BAKE_MS_MAX} ms`]);
  }
  return undefined;
}

function faultOfGates({ alpha, budgetDevices, metrics }: Gates): PlanError | undefined {
  if (!(alpha > 0 && alpha <= ALPHA_MAX)) {
    return fault('alpha-out-of-range', 'gates.alpha', [`${alpha}`, `above 0 and at most ${ALPHA_MAX}`]);
  }
  if (budgetDevices !== undefined && budgetDevices < 1) {
    return fault('budget-out-of-range', 'gates.budgetDevices', [`${budgetDevices}`, '1 or more']);
  }
  if (metrics.length === 0) return fault('metrics-missing', 'gates.metrics', ['an empty list', 'one metric or more']);
  const names = metrics.map((gate) => gate.metric);
  for (const [index, gate] of metrics.entries()) {
    const at = `gates.metrics[${index}]`;
    const error =
      names.indexOf(gate.metric) < index
        ? fault('metric-duplicate', `${at}.metric`, [gate.metric, 'a metric that stands there once'])
        : faultOfMetric(gate, at);
    if (error !== undefined) return error;
  }
  const sum = metrics.reduce((total, gate) => total + gate.weight, 0);
  return sum <= 1 + ROUNDING
    ? undefined
    : fault('weights-above-one', 'gates.metrics', [`a sum of ${sum}`, 'at most 1']);
}

function faultOfMetric(gate: MetricGate, at: string): PlanError | undefined {
  if (!(gate.weight > 0 && gate.weight <= 1)) {
    return fault('weight-out-of-range', `${at}.weight`, [`${gate.weight}`, 'above 0 and at most 1']);
  }
  return gate.kind === 'base' ? faultOfBaseGate(gate, at) : faultOfCoinGate(gate, at);
}

function faultOfBaseGate(gate: Extract<MetricGate, { kind: 'base' }>, at: string): PlanError | undefined {
  if (!(gate.baseRate > 0 && gate.baseRate < BASE_RATE_BELOW)) {
    const allowed = `above 0 and below ${BASE_RATE_BELOW}`;
    return fault('base-rate-out-of-range', `${at}.baseRate`, [`${gate.baseRate}`, allowed]);
  }
  if (gate.windowMs >= INSTALL_WINDOW_MS_MIN && gate.windowMs <= INSTALL_WINDOW_MS_MAX) return undefined;
  const allowed = `${INSTALL_WINDOW_MS_MIN} to ${INSTALL_WINDOW_MS_MAX} ms`;
  return fault('outcome-window-out-of-range', `${at}.windowMs`, [`${gate.windowMs} ms`, allowed]);
}

function faultOfCoinGate(gate: Extract<MetricGate, { kind: 'coin' }>, at: string): PlanError | undefined {
  if (!(gate.tolerance > 1 && gate.tolerance <= TOLERANCE_MAX)) {
    const allowed = `above 1 and at most ${TOLERANCE_MAX}`;
    return fault('tolerance-out-of-range', `${at}.tolerance`, [`${gate.tolerance}`, allowed]);
  }
  const windowMs = hours(COIN_WINDOW_HOURS[gate.metric]);
  if (gate.windowMs === windowMs) return undefined;
  return fault('outcome-window-differs', `${at}.windowMs`, [
    `${gate.windowMs} ms`,
    `${windowMs} ms for ${gate.metric}`,
  ]);
}

const COIN_WINDOW_HOURS: Readonly<Record<Extract<MetricGate, { kind: 'coin' }>['metric'], number>> = {
  silent24: 24,
  silent72: 72,
  silent168: 168,
  crash24: 24,
  sensor24: 24,
};

function fault(code: PlanErrorCode, field: string, [seen, allowed]: readonly [string, string]): PlanError {
  return { code, field, seen, allowed };
}
