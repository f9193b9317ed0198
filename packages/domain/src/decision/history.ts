// SPDX-License-Identifier: Apache-2.0
import type { FleetInstant } from '../kernel/time.ts';
import type { Decision, MetricFigure, Verdict } from './decision.ts';

/** One decision as a point of curves over time: how much was open, and how near the whole rollout was to being stopped. */
export interface DecisionPoint {
  readonly at: FleetInstant;
  readonly kind: Verdict['kind'];
  readonly waveIndex: number;
  readonly pi: number;
  readonly cap: number;
  readonly granted: number;
  readonly figures: readonly PointFigure[];
}

/** A metric at one instant; without a segment it is that of the whole rollout. */
export type PointFigure = Omit<MetricFigure, 'harmUpper'>;

/** More points than a screen has columns show nothing more. */
export const HISTORY_POINTS_MAX = 500;
/** Metrics in segments that curves can be told apart by: those that came nearest to their thresholds at that instant. */
export const HISTORY_FIGURES_MAX = 24;

/** A decision without its reasons and inputs, its figures cut to `HISTORY_FIGURES_MAX`, the nearest to harm first. */
export function decisionPoint({ at, overall, exposure, figures }: Decision): DecisionPoint {
  const { waveIndex, pi, cap, granted } = exposure;
  const nearest = [...figures].sort((a, b) => b.lnE / b.threshold - a.lnE / a.threshold).slice(0, HISTORY_FIGURES_MAX);
  return {
    at,
    kind: overall.kind,
    waveIndex,
    pi,
    cap,
    granted,
    figures: nearest.map(({ harmUpper: _, ...figure }) => figure),
  };
}

/**
 * Which of `count` decisions, oldest first and counted from zero, stand for all: at even steps, and always the newest. At
 * most `HISTORY_POINTS_MAX`.
 */
export function isHistoryPoint(index: number, count: number): boolean {
  return (count - 1 - index) % Math.max(1, Math.ceil(count / HISTORY_POINTS_MAX)) === 0;
}
