// SPDX-License-Identifier: Apache-2.0

/** ln of the sum of the exponentials, without overflow; minus infinity for no terms. */
export function logSumExp(terms: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < terms.length; at++) {
    const term = terms[at] as number;
    if (term > largest) largest = term;
  }
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let sum = 0;
  for (let at = 0; at < terms.length; at++) {
    const below = (terms[at] as number) - largest;
    if (below > LN_NOTHING) sum += Math.exp(below);
  }
  return largest + Math.log(sum);
}

/** e to this is zero in doubles: most terms of a mixture lie below it, and need no exponential. */
const LN_NOTHING = -746;

/**
 * ln of the beta function of two positive numbers, to about 1e-13 relative up to 1e9 and more. The difference of three
 * log-gammas would keep six digits there; so the large parts are cancelled by hand. Source: SLATEC `dlbeta`.
 */
export function lnBeta(a: number, b: number): number {
  const small = Math.min(a, b);
  const large = Math.max(a, b);
  if (large < STIRLING_MIN) return lnGamma(small) + lnGamma(large) - lnGamma(small + large);
  const share = small / (small + large);
  if (small < STIRLING_MIN) {
    const remainder = stirlingRemainder(large) - stirlingRemainder(small + large);
    const rest = remainder + small - small * Math.log(small + large) + (large - 0.5) * Math.log1p(-share);
    return lnGamma(small) + rest;
  }
  const remainder = stirlingRemainder(small) + stirlingRemainder(large) - stirlingRemainder(small + large);
  const halfLn = LN_ROOT_TWO_PI - 0.5 * Math.log(large);
  return halfLn + remainder + (small - 0.5) * Math.log(share) + large * Math.log1p(-share);
}

/** From here on seven terms of Stirling's series are exact to the last bit: the eighth is below 7e-16 (Binet). */
const STIRLING_MIN = 10;
const LN_ROOT_TWO_PI = 0.9189385332046728;

/** ln Gamma of a positive number; small ones, few as long as counts are whole, are remembered. */
function lnGamma(x: number): number {
  const known = smallLnGammas.get(x);
  if (known !== undefined) return known;
  const made = computedLnGamma(x);
  if (x < STIRLING_MIN && smallLnGammas.size < SMALL_LN_GAMMAS_MAX) smallLnGammas.set(x, made);
  return made;
}

const smallLnGammas = new Map<number, number>();
/** Halves below ten, and some more. */
const SMALL_LN_GAMMAS_MAX = 64;

/** Lifted by Gamma(x + 1) = x Gamma(x). */
function computedLnGamma(x: number): number {
  let lifted = x;
  let product = 1;
  while (lifted < STIRLING_MIN) {
    product *= lifted;
    lifted += 1;
  }
  return LN_ROOT_TWO_PI + (lifted - 0.5) * Math.log(lifted) - lifted + stirlingRemainder(lifted) - Math.log(product);
}

/** ln Gamma(x) less its Stirling approximation, for x >= 10: Bernoulli numbers over 2k (2k - 1) x^(2k - 1). */
function stirlingRemainder(x: number): number {
  const square = 1 / (x * x);
  // Horner's rule from the seventh term down to the first, written out: a tick makes tens of thousands of these sums.
  let sum = (1 / 156) * square - 691 / 360_360;
  sum = sum * square + 1 / 1188;
  sum = sum * square - 1 / 1680;
  sum = sum * square + 1 / 1260;
  sum = sum * square - 1 / 360;
  sum = sum * square + 1 / 12;
  return sum / x;
}
