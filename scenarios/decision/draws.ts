// SPDX-License-Identifier: Apache-2.0
import { binomialWalk } from '@outrider/domain/kernel/binomial-walk';
import type { Prng } from '@outrider/domain/kernel/prng';

/**
 * How many of `trials` happen, each with this probability: an exact draw at any size, so that a class of ten million devices
 * costs as much as one of ten.
 */
export function binomial(source: Prng, trials: number, probability: number): number {
  if (trials <= 0 || probability <= 0) return 0;
  if (probability >= 1) return trials;
  if (probability > 0.5) return trials - binomial(source, trials, 1 - probability);
  return trials * probability < INVERSION_MEAN_MAX
    ? binomialWalk(source, trials, probability)
    : byRejection(source, trials, probability);
}

/** Puts `trials` devices one by one, each equally likely, into the bins, through `put(bin, devices)`. */
export function scatter(source: Prng, trials: number, into: Bins): void {
  let left = trials;
  if (trials <= SINGLE_DRAWS_PER_BIN * into.bins) {
    for (; left > 0; left--) into.put(Math.floor(source.next() * into.bins), 1);
    return;
  }
  for (let bin = 0; bin < into.bins && left > 0; bin++) {
    const here = binomial(source, left, 1 / (into.bins - bin));
    if (here > 0) into.put(bin, here);
    left -= here;
  }
}

export interface Bins {
  readonly bins: number;
  readonly put: (bin: number, devices: number) => void;
}

/** Up to this mean the walk up from zero is quicker than rejection, which is valid above it only. */
const INVERSION_MEAN_MAX = 10;
/** One draw a device costs as much as one binomial draw a bin at about this many. */
const SINGLE_DRAWS_PER_BIN = 3;

/** Transformed rejection with a squeeze: 1.15 tries on average. Source: Hörmann 1993, BTRS; p <= 0.5, mean >= 10. */
function byRejection(source: Prng, trials: number, probability: number): number {
  const spread = Math.sqrt(trials * probability * (1 - probability));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * probability;
  const centre = trials * probability + 0.5;
  const squeeze = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * spread;
  const odds = probability / (1 - probability);
  const mode = Math.floor((trials + 1) * probability);
  for (;;) {
    const u = source.next() - 0.5;
    const v = source.next();
    const us = 0.5 - Math.abs(u);
    const happened = Math.floor(((2 * a) / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return happened;
    if (happened < 0 || happened > trials) continue;
    const lnHeight = Math.log((v * alpha) / (a / (us * us) + b));
    const lnBound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (trials - mode + 1))) +
      (trials + 1) * Math.log((trials - mode + 1) / (trials - happened + 1)) +
      (happened + 0.5) * Math.log((odds * (trials - happened + 1)) / (happened + 1)) +
      stirlingTail(mode) +
      stirlingTail(trials - mode) -
      stirlingTail(happened) -
      stirlingTail(trials - happened);
    if (lnHeight <= lnBound) return happened;
  }
}

/** ln k! less Stirling's approximation at k + 1. */
function stirlingTail(k: number): number {
  const known = STIRLING_TAILS[k];
  if (known !== undefined) return known;
  const square = (k + 1) * (k + 1);
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}

const STIRLING_TAILS = [
  0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.020790672103765, 0.0166446911898211, 0.0138761288230707,
  0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
];
