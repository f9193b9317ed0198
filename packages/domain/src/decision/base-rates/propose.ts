// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId } from '../../kernel/ids.ts';
import { type BaseMetric, cellsOf, type FleetHistory, total } from './history.ts';
import { type WorstCell, worstCells } from './worst-cell.ts';

/** The base rate that a plan should declare for one metric, and what it comes from. */
export interface BaseRateProposal {
  readonly metric: BaseMetric;
  /** p0: a cap for the worst hour and segment. */
  readonly baseRate: number;
  /** `stated`: the fleet has no history that says more. */
  readonly source: 'history' | 'stated';
  /** The cell it was taken from, and the releases it was counted over. */
  readonly worst?: WorstCell;
  readonly releases: readonly ReleaseId[];
}

/**
 * For the first rollout of a fleet: twice the default plan, since nothing is known of its worst hour. A false halt of the
 * first release teaches people to overrule halts; what the doubling costs is a handful of devices (two reverts of ten
 * still halt).
 */
export const STATED_BASE_RATES: Readonly<Record<BaseMetric, number>> = { revert: 0.001, install: 0.02 };

/** At least this times the worst hour of the last good releases. Source: design/decision.md, "Data". */
export const WORST_HOUR_FACTOR = 1.5;

/**
 * A base rate for each metric from the last good releases: 1.5 times the upper 95 % bound of the worst stretch of the day in
 * the worst segment; where a stretch is longer than six hours, half as much again for the hour that it hides. Few counts
 * raise it by ignorance at most to the stated value.
 */
export function proposeBaseRates(history: FleetHistory): readonly BaseRateProposal[] {
  const recent = history.slice(-RELEASES_MAX);
  return METRICS.map((metric) => {
    const cells = cellsOf(recent, metric);
    const worst = worstCells(cells)?.byUpper;
    const stated = STATED_BASE_RATES[metric];
    if (worst === undefined) return { metric, baseRate: stated, source: 'stated', releases: [] };
    const hidden = worst.hours > HOURS_SEEN_MAX ? HIDDEN_HOUR_FACTOR : 1;
    const factor = WORST_HOUR_FACTOR * hidden;
    const all = total(cells);
    const seen = Math.max(all.events / all.installs, worst.events / worst.installs);
    const ofBound = factor * worst.upper;
    // Ignorance alone (a high bound over few events) never asks for more than the stated value.
    const known = Math.min(ofBound, Math.max(stated, factor * HIDDEN_HOUR_FACTOR * seen));
    const baseRate = Math.min(BASE_RATE_MAX, Math.max(BASE_RATES_MIN[metric], known));
    const releases = recent
      .filter((one) => one.cells.some((cell) => cell.metric === metric))
      .map((one) => one.releaseId);
    return {
      metric,
      baseRate,
      source: ofBound > baseRate && baseRate === stated ? 'stated' : 'history',
      worst,
      releases,
    };
  });
}

const METRICS: readonly BaseMetric[] = ['revert', 'install'];
/** The last ones: what a fleet did years ago is another fleet. */
const RELEASES_MAX = 5;
/** A rate that swings by half over the day is, at its peak, half as much again as its mean. */
const HIDDEN_HOUR_FACTOR = 1.5;
/** Over six hours the mean of such a swing lies within a tenth of its peak. */
const HOURS_SEEN_MAX = 6;
/** A fifth of the default plan: below it a handful of power cuts would halt a good release, whatever history says. */
const BASE_RATES_MIN: Readonly<Record<BaseMetric, number>> = { revert: 0.0001, install: 0.002 };
/** What a plan may declare at most (policy/validate-plan.ts): below a half. */
const BASE_RATE_MAX = 0.4;
