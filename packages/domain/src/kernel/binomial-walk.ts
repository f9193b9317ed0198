// SPDX-License-Identifier: Apache-2.0
import type { Prng } from './prng.ts';

/**
 * How many of `trials` happen, each with this probability in (0, 0.5]: an exact draw that walks up the distribution
 * function from zero, about as many steps as the mean `trials * probability`. For means up to some tens: there the first
 * term is far from underflow. Source: Kachitvichyanukul and Schmeiser 1988, BINV.
 */
export function binomialWalk(source: Prng, trials: number, probability: number): number {
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
