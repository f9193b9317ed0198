// SPDX-License-Identifier: Apache-2.0
import type { DecisionPoint, PointFigure } from '@outrider/domain/decision/history';

/** Columns for a chart: instants in seconds, then a column a curve; null where a curve has no value. */
export interface ChartData {
  readonly timesS: readonly number[];
  readonly curves: readonly Curve[];
}

export interface Curve {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** More curves than this cannot be told apart. */
const CURVES_MAX = 5;

/** What the exposure of a rollout is drawn against. */
export interface Fleet {
  readonly population: number;
  /** Of each wave of the plan: the largest share of the devices, both arms; absent until the plan has come. */
  readonly ceilingsPermille?: readonly number[];
}

/** Permits, cap and ceiling of the wave over time; the cap of a complete rollout is no larger than its fleet. */
export function exposureCurves(points: readonly DecisionPoint[], { population, ceilingsPermille }: Fleet): ChartData {
  return {
    timesS: timesOf(points),
    curves: [
      { name: 'Permitted', values: points.map((one) => one.granted) },
      { name: 'Cap', values: points.map((one) => Math.min(one.cap, population)) },
      {
        name: 'Ceiling of the wave, both arms',
        values: points.map(({ waveIndex }) => {
          const permille = ceilingsPermille?.[waveIndex];
          return permille === undefined ? null : Math.ceil((population * permille) / 1_000);
        }),
      },
    ],
  };
}

/**
 * The metrics that came nearest to their thresholds, as shares of these, so that one line is the threshold of all. Evidence for
 * the release is below nothing and drawn as nothing.
 */
export function evidenceCurves(points: readonly DecisionPoint[]): ChartData {
  const peaks = new Map<string, number>();
  for (const { figures } of points) {
    for (const figure of figures) peaks.set(nameOf(figure), Math.max(peaks.get(nameOf(figure)) ?? 0, shareOf(figure)));
  }
  const chosen = [...peaks]
    .sort(([, a], [, b]) => b - a)
    .slice(0, CURVES_MAX)
    .map(([name]) => name);
  const columns = points.map(({ figures }) => new Map(figures.map((one) => [nameOf(one), shareOf(one)])));
  return {
    timesS: timesOf(points),
    curves: chosen.map((name) => ({ name, values: columns.map((column) => column.get(name) ?? null) })),
  };
}

function nameOf({ metric, segment }: PointFigure): string {
  return `${metric} ${segment ?? 'overall'}`;
}

function shareOf({ lnE, threshold }: PointFigure): number {
  return threshold <= 0 ? 0 : Math.max(0, lnE / threshold);
}

const SECOND_MS = 1_000;

function timesOf(points: readonly DecisionPoint[]): readonly number[] {
  return points.map((one) => one.at / SECOND_MS);
}
