// SPDX-License-Identifier: Apache-2.0
import type { CoinMetric } from '../evidence/evidence.ts';
import type { Gates, RolloutPlan } from '../policy/rollout.ts';
import type { MetricFigure } from './decision.ts';
import { type RuleVersion, SILENCE_FACTORS } from './rule.ts';
import { type BaseTally, coinTallyOf, type Tally } from './tally.ts';

/** Most treated permits that something allows, and what that is, as a clause for people. */
export interface Limit {
  readonly devices: number;
  readonly because: string;
}

/** The first step of every rollout on any fleet: what "everything fails" can cost. */
export const FIRST_STEP_DEVICES = 10;
/** After the first step at most so many times the devices that reported a committed boot. */
const CONFIRMED_FACTOR = 4;
/** Devices that reverts may cost: they are caught within the hour and undo themselves. */
const REVERT_BUDGET_DEVICES = 50;
/** Downloads ahead are harmless: so many times what may install soon, in both arms. */
const DOWNLOADS_FACTOR = 10;

/** Share of the fleet an operator agrees to risk unless the plan says otherwise, and its bounds in devices. */
const BUDGET_SHARE = 0.0004;
const BUDGET_DEVICES_MIN = 50;
const BUDGET_DEVICES_MAX = 5000;

/** Levels of the coin before completion. Each step re-tosses the coin only for controls whose windows are closed. */
export const PI_LEVELS = [0.2, 0.5, 10 / 11] as const;
/** Of the share that a level can treat at most, this much may be in use before the next one. */
const PI_HEADROOM = 0.5;

/** B: devices the operator agrees to risk. Half of it in the profile `careful`. */
export function budgetOf(gates: Gates, population: number): number {
  const share = Math.round(BUDGET_SHARE * population);
  const budget = gates.budgetDevices ?? Math.min(Math.max(share, BUDGET_DEVICES_MIN), BUDGET_DEVICES_MAX);
  return gates.profile === 'careful' ? Math.ceil(budget / 2) : budget;
}

/**
 * How many treated permits the evidence allows, all segments together: exposed <= verified + budget / bound on harm, for
 * each metric; before there is any data a bound is 1. May be infinite. Source: design/decision.md, "Admission".
 */
export function evidenceLimit(given: {
  readonly plan: RolloutPlan;
  readonly tally: Tally;
  readonly figures: readonly MetricFigure[];
  readonly budgetDevices: number;
  readonly rule: RuleVersion;
}): Limit {
  const { plan, tally, figures, budgetDevices, rule } = given;
  const limits = [stepLimit(tally.revert), revertLimit(plan.gates, tally.revert, harmUpperOf(figures, 'revert'))];
  for (const gate of plan.gates.metrics) {
    const budgets = BUDGETS_BY_PROFILE[plan.gates.profile][gate.metric];
    if (gate.kind !== 'coin' || budgets === undefined) continue;
    const harmUpper = harmUpperOf(figures, gate.metric);
    limits.push(coinLimit({ metric: gate.metric, tally, harmUpper, budgetDevices: budgets * budgetDevices }));
    if (gate.metric === 'silent24')
      limits.push(silenceLimit(tally, budgetDevices, SILENCE_FACTORS[rule][plan.gates.profile]));
  }
  return smallest(limits);
}

/** How many treated permits one segment's own reverts allow. */
export function segmentLimit(gates: Gates, revert: BaseTally, harmUpper: number): number {
  return revertLimit(gates, revert, harmUpper).devices;
}

/** The limit with the fewest devices; the first of equals. */
export function smallest(limits: readonly Limit[]): Limit {
  const none: Limit = { devices: Number.POSITIVE_INFINITY, because: 'Nothing limits it' };
  return limits.reduce((least, one) => (one.devices < least.devices ? one : least), none);
}

/** The smallest level of the coin under which `cap` is within the headroom; it never falls. */
export function piFor(cap: number, population: number, piNow: number): number {
  const highest = PI_LEVELS[PI_LEVELS.length - 1] ?? 1;
  const fitting = PI_LEVELS.find((level) => cap <= PI_HEADROOM * level * population) ?? highest;
  return Math.max(fitting, piNow);
}

/** Devices that may download ahead, both arms, before the ceiling of the wave. */
export function downloadsFor(cap: number, budgetDevices: number, pi: number): number {
  return Math.ceil((DOWNLOADS_FACTOR * Math.max(cap, budgetDevices)) / pi);
}

/** Budgets B of each metric that bounds admission; the others halt but do not pace. `fast` is for security fixes. */
const BUDGETS_BY_PROFILE: Record<Gates['profile'], Partial<Record<CoinMetric | 'revert' | 'install', number>>> = {
  careful: { silent24: 1, silent72: 1, crash24: 2, sensor24: 2 },
  standard: { silent24: 1, silent72: 3, crash24: 2, sensor24: 2 },
  fast: { silent24: 1, crash24: 2, sensor24: 2 },
};

function stepLimit(revert: BaseTally): Limit {
  const devices = Math.max(FIRST_STEP_DEVICES, CONFIRMED_FACTOR * revert.confirmed);
  return { devices, because: `${revert.confirmed} confirmed boots allow ${devices} devices` };
}

function revertLimit(gates: Gates, revert: BaseTally, harmUpper: number): Limit {
  const gate = gates.metrics.find((one) => one.metric === 'revert');
  const baseRate = gate?.kind === 'base' ? gate.baseRate : 0;
  const devices = revert.closed + Math.max(REVERT_BUDGET_DEVICES, baseRate * revert.closed) / harmUpper;
  return { devices, because: boundText('revert', { closed: revert.closed, harmUpper, devices }) };
}

function coinLimit(given: {
  readonly metric: CoinMetric;
  readonly tally: Tally;
  readonly harmUpper: number;
  readonly budgetDevices: number;
}): Limit {
  const { metric, tally, harmUpper, budgetDevices } = given;
  const { treated, control } = coinTallyOf(tally, metric);
  if (control.closed === 0) {
    const because = `no control window of ${metric} has closed yet, which allows ${budgetDevices} devices`;
    return { devices: budgetDevices, because };
  }
  const devices = treated.closed + budgetDevices / harmUpper;
  return { devices, because: boundText(metric, { closed: treated.closed, harmUpper, devices }) };
}

function silenceLimit(tally: Tally, budgetDevices: number, factor: number): Limit {
  const { closed } = coinTallyOf(tally, 'silent24').treated;
  const devices = Math.max(budgetDevices, factor * closed);
  return { devices, because: `${closed} devices past their first day allow ${devices} devices` };
}

function boundText(
  metric: string,
  seen: { readonly closed: number; readonly harmUpper: number; readonly devices: number },
): string {
  const bound = (seen.harmUpper * 100).toPrecision(3);
  return `${metric} may harm up to ${bound} % after ${seen.closed} windows, which allows ${Math.floor(seen.devices)} devices`;
}

function harmUpperOf(figures: readonly MetricFigure[], metric: MetricFigure['metric']): number {
  return figures.find((one) => one.metric === metric)?.harmUpper ?? 1;
}
