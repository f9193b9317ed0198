// SPDX-License-Identifier: Apache-2.0
import type { Prng } from './prng.ts';

/**
 * How many of `trials` happen, each with this probability: an exact draw at any size, so that a class of ten million devices
 * costs as much as one of ten. `trials` is a whole number, tried up to 10^9.
 */
export function binomial(source: Prng, trials: number, probability: number): number {
  if (trials <= 0 || probability <= 0) return 0;
  if (probability >= 1) return trials;
  if (probability > 0.5) return trials - binomial(source, trials, 1 - probability);
  return trials * probability < WALK_MEAN_MAX
    ? byWalk(source, trials, probability)
    : byRejection(source, trials, probability);
}

/** Up to this mean the walk up from zero is quicker than rejection, which is valid above it only. */
const WALK_MEAN_MAX = 10;

/**
 * Up the distribution function from zero, about as many steps as the mean; the first term, at least 2^-20, is far from
 * underflow. Source: Kachitvichyanukul and Schmeiser 1988, BINV; p <= 0.5.
 */
function byWalk(source: Prng, trials: number, probability: number): number {
  const odds = probability / (1 - probability);
  let term = Math.exp(trials * Math.log1p(-probability));
  let left = source.next();
  let happened = 0;
  while (left > term && happened < trials) {
    left -= term;
    happened += 1;
    term *= (odds * (trials - happened + 1)) / happened;
  }
  return happened;
}

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
