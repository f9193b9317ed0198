// SPDX-License-Identifier: Apache-2.0
import { binomialWalk } from '../../kernel/binomial-walk.ts';
import type { Prng } from '../../kernel/prng.ts';

/**
 * How many of `trials` happen, each with this probability, so that a class of ten million devices costs as much as one of
 * ten. Exact up to a mean of 30; above it the rounded normal, whose tails differ by less than a forecast's intervals show.
 */
export function binomial(source: Prng, trials: number, probability: number): number {
  if (trials <= 0 || probability <= 0) return 0;
  if (probability >= 1) return trials;
  if (probability > 0.5) return trials - binomial(source, trials, 1 - probability);
  const mean = trials * probability;
  return mean <= EXACT_MEAN_MAX ? binomialWalk(source, trials, probability) : byNormal(source, trials, probability);
}

/** Puts `devices` into bins that are equally likely, through `put(bin, devices)`. */
export function scatter(
  source: Prng,
  devices: number,
  into: { readonly bins: number; readonly put: (bin: number, devices: number) => void },
): void {
  let left = devices;
  for (let bin = 0; bin < into.bins && left > 0; bin++) {
    const here = binomial(source, left, 1 / (into.bins - bin));
    if (here > 0) into.put(bin, here);
    left -= here;
  }
}

/** The walk takes about as many steps as its mean; its first term, at least 2^-60, is far from underflow. */
const EXACT_MEAN_MAX = 30;

/** Box and Muller 1958. */
function byNormal(source: Prng, trials: number, probability: number): number {
  const mean = trials * probability;
  const radius = Math.sqrt(-2 * Math.log1p(-source.next()));
  const normal = radius * Math.cos(2 * Math.PI * source.next());
  const drawn = Math.round(mean + normal * Math.sqrt(mean * (1 - probability)));
  return Math.min(trials, Math.max(0, drawn));
}
