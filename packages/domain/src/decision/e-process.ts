// SPDX-License-Identifier: Apache-2.0
import { logSumExp } from './log-math.ts';

/** Events of the two arms among enrolments that had the same chance to be treated. */
export interface Stratum {
  /** Effective probability of the treated arm, in (0, 1). */
  readonly pi: number;
  readonly eventsTreated: number;
  readonly eventsControl: number;
}

/**
 * ln E of the one-sample test of "an installing device fails with probability baseRate at most": a mixture of likelihood
 * ratios over eleven multiples. `open` counts a permit when it is granted, so a late report can only lower it. Under the
 * null it exceeds ln(1 / a) at any time with probability a at most (Ville). Source: design/decision.md, "Formulae".
 */
export function lnEBase(counts: { readonly baseRate: number; readonly open: number; readonly events: number }): number {
  const { baseRate, open, events } = counts;
  const terms = baseTerms(baseRate).map(({ ln, lnWithout }) => events * ln + (open - events) * lnWithout);
  return logSumExp(terms) - Math.log(terms.length);
}

/**
 * ln E of the test of "an event lands on the treated arm with odds of tolerance at most", from integers per stratum, at
 * any time. Common causes (an outage, the hour, the model) hit both arms and cancel. Source: design/decision.md.
 */
export function lnECoin(counts: { readonly tolerance: number; readonly strata: readonly Stratum[] }): number {
  const terms = lnOddsRatios(counts.strata, counts.tolerance, COIN_MULTIPLES);
  return logSumExp(terms) - Math.log(terms.length);
}

/**
 * ln E of the A/A test of "events land on the arms exactly as the coin says", both ways: lost rows, polling that depends
 * on the arm, a pipeline that is late for one of them. An alarm holds, never halts. Source: design/decision.md.
 */
export function lnEAa(strata: readonly Stratum[]): number {
  const terms = lnOddsRatios(strata, 1, AA_MULTIPLES);
  return logSumExp(terms) - Math.log(terms.length);
}

/**
 * ll(multiple x odds) - ll(odds), where ll(theta) is the log-likelihood of the events when treated devices have theta times
 * the odds of control ones. The difference is taken inside each stratum: both parts would be 1e9 for large counts.
 */
export function lnOddsRatio(strata: readonly Stratum[], odds: number, multiple: number): number {
  const lnMultiple = Math.log(multiple);
  let sum = 0;
  for (const { pi, eventsTreated, eventsControl } of strata) {
    const total = odds * pi + 1 - pi;
    if (multiple > LARGE_MULTIPLE) {
      // ln(multiple) is taken out of the logarithm: a billion treated events would cancel each other to seven digits.
      const rest = Math.log1p(-((1 - pi) / total) * (1 - 1 / multiple));
      sum -= eventsControl * lnMultiple + (eventsTreated + eventsControl) * rest;
      continue;
    }
    const share = (odds * pi) / total;
    sum += eventsTreated * lnMultiple - (eventsTreated + eventsControl) * Math.log1p((multiple - 1) * share);
  }
  return sum;
}

/** Multiples of the odds that one test always asks for, none above `LARGE_MULTIPLE`, and what of their logarithms was needed so far. */
export interface MultipleGrid {
  readonly multiples: readonly number[];
  readonly lnMultiples: readonly number[];
  /** By odds, then by chance: ln(1 + (multiple - 1) share) for each multiple. */
  readonly lnRests: Map<number, Map<number, Float64Array>>;
}

/** A grid of these multiples, in (0, 10,000], of which nothing has been asked yet. */
export function multipleGrid(multiples: readonly number[]): MultipleGrid {
  return { multiples, lnMultiples: multiples.map(Math.log), lnRests: new Map() };
}

/**
 * `lnOddsRatio` of each multiple of the grid, to the last bit. Enrolments come with a handful of chances and a plan with one
 * tolerance, so the logarithms, most of what a tick costs, are taken once for each of them.
 */
export function lnOddsRatios(strata: readonly Stratum[], odds: number, grid: MultipleGrid): Float64Array {
  const { multiples, lnMultiples } = grid;
  const sums = new Float64Array(multiples.length);
  const rests = lnRestsAt(odds, grid);
  for (const { pi, eventsTreated, eventsControl } of strata) {
    const rest = rests.get(pi) ?? keepLnRest(rests, { pi, odds, multiples });
    const events = eventsTreated + eventsControl;
    for (let at = 0; at < sums.length; at++) {
      // Every array has the length of the grid.
      const lnMultiple = lnMultiples[at] as number;
      sums[at] = (sums[at] as number) + (eventsTreated * lnMultiple - events * (rest[at] as number));
    }
  }
  return sums;
}

/** More chances or tolerances than any plan has: what is kept is dropped, and taken again. */
const KEPT_MAX = 256;

function lnRestsAt(odds: number, { lnRests }: MultipleGrid): Map<number, Float64Array> {
  const found = lnRests.get(odds);
  if (found !== undefined) return found;
  if (lnRests.size >= KEPT_MAX) lnRests.clear();
  const made = new Map<number, Float64Array>();
  lnRests.set(odds, made);
  return made;
}

function keepLnRest(
  rests: Map<number, Float64Array>,
  { pi, odds, multiples }: { readonly pi: number; readonly odds: number; readonly multiples: readonly number[] },
): Float64Array {
  if (rests.size >= KEPT_MAX) rests.clear();
  const share = (odds * pi) / (odds * pi + 1 - pi);
  const made = Float64Array.from(multiples, (multiple) => Math.log1p((multiple - 1) * share));
  rests.set(pi, made);
  return made;
}

/** Above every multiple of a test: only a bound is looked for so far out. */
const LARGE_MULTIPLE = 10_000;

interface BaseTerm {
  readonly ln: number;
  /** ln((1 - g p0) / (1 - p0)). */
  readonly lnWithout: number;
}

/** Logarithms that depend on the base rate alone: a plan has two of them, and a tick asks for thousands of keys. */
const baseTermsKept = new Map<number, readonly BaseTerm[]>();

function baseTerms(baseRate: number): readonly BaseTerm[] {
  const known = baseTermsKept.get(baseRate);
  if (known !== undefined) return known;
  const made = BASE_MULTIPLES.filter((multiple) => multiple * baseRate <= BASE_RATE_MAX).map((multiple) => ({
    ln: Math.log(multiple),
    lnWithout: Math.log1p((-(multiple - 1) * baseRate) / (1 - baseRate)),
  }));
  if (baseTermsKept.size >= KEPT_MAX) baseTermsKept.clear();
  baseTermsKept.set(baseRate, made);
  return made;
}

/** From a slight excess to "everything fails": one of them is within a factor of three of any harm. */
const BASE_MULTIPLES = [1.1, 1.25, 1.5, 2, 3, 5, 10, 30, 100, 300, 1000];
/** Alternatives above this rate say no more than it does, and ln(1 - g p0) would end at 1. */
const BASE_RATE_MAX = 0.9;
const COIN_MULTIPLES = multipleGrid([1.01, 1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2, 3, 5, 10, 30, 100, 1000]);
/** Around 1, in both directions. */
const AA_MULTIPLES = multipleGrid([0.5, 0.67, 0.8, 0.9, 0.95, 0.98, 0.99, 1.01, 1.02, 1.05, 1.1, 1.25, 1.5, 2]);
