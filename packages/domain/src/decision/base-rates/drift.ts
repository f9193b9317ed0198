// SPDX-License-Identifier: Apache-2.0
import type { RolloutPlan } from '../../policy/rollout.ts';
import { type BaseMetric, cellsOf, type FleetHistory, type ReleaseHistory, total } from './history.ts';
import { WORST_HOUR_FACTOR } from './propose.ts';
import { worstCells } from './worst-cell.ts';

/** How near the observed base of one metric has come to the base rate that a plan declares. */
export interface Drift {
  readonly metric: BaseMetric;
  readonly baseRate: number;
  /** Mean over the installations counted. */
  readonly observed: number;
  /** Rate of the worst stretch of the day and segment, and its bounds. */
  readonly worst: number;
  readonly worstLower: number;
  readonly worstUpper: number;
  /** `calm`: the margin is there; `near`: it is used up; `over`: the base rate caps no longer; `unknown`: no installation. */
  readonly level: 'calm' | 'near' | 'over' | 'unknown';
  /** Mean of this release over the mean of those before; absent without both. */
  readonly change?: number;
}

/**
 * Compares what a release does, as it goes on, with the base rates of its plan and with the releases before. It says when a
 * new base rate is due, before a good release is halted for the lack of one.
 */
export function driftOf(plan: RolloutPlan, current: ReleaseHistory, before: FleetHistory = []): readonly Drift[] {
  return plan.gates.metrics.flatMap((gate): readonly Drift[] => {
    if (gate.kind !== 'base') return [];
    const { metric, baseRate } = gate;
    const cells = cellsOf([current], metric);
    const worst = worstCells(cells);
    if (worst === undefined) {
      return [{ metric, baseRate, observed: 0, worst: 0, worstLower: 0, worstUpper: 1, level: 'unknown' }];
    }
    const now = total(cells);
    const former = total(cellsOf(before, metric));
    const observed = now.events / now.installs;
    const { byUpper, byLower } = worst;
    return [
      {
        metric,
        baseRate,
        observed,
        worst: byUpper.events / byUpper.installs,
        worstLower: byLower.lower,
        worstUpper: byUpper.upper,
        level: levelOf(baseRate, { lower: byLower.lower, rate: byUpper.events / byUpper.installs }),
        ...(former.events === 0 ? {} : { change: observed / (former.events / former.installs) }),
      },
    ];
  });
}

/** Over, when chance is ruled out; near, when the factor that a plan should keep is used up. */
function levelOf(baseRate: number, worst: { readonly lower: number; readonly rate: number }): Drift['level'] {
  if (worst.lower > baseRate) return 'over';
  return worst.rate * WORST_HOUR_FACTOR > baseRate ? 'near' : 'calm';
}
