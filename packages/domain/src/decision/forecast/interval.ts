// SPDX-License-Identifier: Apache-2.0

/** What is expected of one figure, and between which bounds. */
export interface Interval {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** One figure as each of the courses had it; absent where it did not come to it. */
export interface Sampled {
  readonly values: readonly (number | undefined)[];
  /** The smallest difference that means anything: a step of a course, a device. */
  readonly resolution: number;
}

/** Probability that all figures of a forecast lie in their intervals at once. */
export const CONFIDENCE_PERCENT = 90;

/**
 * Intervals that hold together: with 90 % probability all of them do, not each on its own. Each course is as far out as its
 * worst figure, in units of that figure's spread to this side; the bounds are where one course in ten is further out. A
 * figure that one course in ten did not come to has none. Source: simultaneous bands by the largest deviation (Montiel
 * Olea and Plagborg-Møller 2019), judged by the others as in the jackknife of conformal prediction (Barber et al. 2021).
 */
export function jointIntervals(figures: readonly Sampled[]): readonly (Interval | undefined)[] {
  const courses = Math.max(0, ...figures.map((one) => one.values.length));
  const worst = Array.from({ length: courses }, (_, course) => {
    // Judged by the others, as the run that is forecast will be: by itself it would always seem closer.
    const distances = figures.map((figure) => distance(figure.values[course], spreadOf(without(figure, course))));
    return Math.max(0, ...distances);
  }).sort((a, b) => a - b);
  const rank = Math.ceil((CONFIDENCE_PERCENT / 100) * (courses + 1)) - 1;
  const reach = worst[Math.min(rank, courses - 1)] ?? 0;
  return figures.map((figure) => {
    const spread = spreadOf(figure);
    if (spread === undefined) return undefined;
    const { median, down, up } = spread;
    return { low: median - reach * down, median, high: median + reach * up };
  });
}

/** The value below which this share of the values lies, all of them known. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

function without({ values, resolution }: Sampled, course: number): Sampled {
  return { values: values.filter((_, index) => index !== course), resolution };
}

interface Spread {
  readonly median: number;
  readonly down: number;
  readonly up: number;
}

/** A spread is never narrower than this share of the median: what the model of a fleet leaves out is about as large. */
const SPREAD_SHARE_MIN = 0.005;

function spreadOf({ values, resolution }: Sampled): Spread | undefined {
  const known = values.filter((one) => one !== undefined);
  const median = quantile(known, 0.5);
  if (median === undefined || known.length * 100 < CONFIDENCE_PERCENT * values.length) return undefined;
  const least = Math.max(resolution, SPREAD_SHARE_MIN * Math.abs(median));
  const side = (sign: 1 | -1): number => {
    const deviations = known.map((one) => sign * (one - median)).filter((one) => one > 0);
    const mean = deviations.reduce((sum, one) => sum + one, 0) / Math.max(1, deviations.length);
    return Math.max(least, mean);
  };
  return { median, down: side(-1), up: side(1) };
}

/** In spreads; a figure without a spread keeps no course out. */
function distance(value: number | undefined, spread: Spread | undefined): number {
  if (value === undefined || spread === undefined) return 0;
  const away = value - spread.median;
  return away < 0 ? -away / spread.down : away / spread.up;
}
