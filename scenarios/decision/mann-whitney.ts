// SPDX-License-Identifier: Apache-2.0

/**
 * Whether the canary's samples are higher than the baseline's, as Kayenta's classifier has it: the lower end of the 98 %
 * interval of the shift (Hodges-Lehmann, normal approximation) lies above a quarter of the estimated shift.
 */
export function isShifted(canary: readonly number[], baseline: readonly number[]): boolean {
  const [n, m] = [canary.length, baseline.length];
  if (n === 0 || m === 0) return false;
  const shifts = canary.flatMap((one) => baseline.map((other) => one - other)).sort((a, b) => a - b);
  const spread = Math.sqrt((n * m * (n + m + 1)) / 12);
  const rank = Math.floor((n * m) / 2 - Z_98 * spread);
  const lower = shifts[Math.max(0, rank)] ?? 0;
  const estimate = shifts[Math.floor(shifts.length / 2)] ?? 0;
  return lower > TOLERANCE * Math.abs(estimate);
}

/** Two-sided 98 %: Kayenta's default. */
const Z_98 = 2.3263;
/** Kayenta's default. */
const TOLERANCE = 0.25;
