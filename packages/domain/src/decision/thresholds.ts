// SPDX-License-Identifier: Apache-2.0

/**
 * Where ln E of one metric halts the whole rollout: half of the metric's share of alpha goes to the overall test, half to
 * its segments. Shares and a union bound hold under any dependence. Source: design/decision.md, "Formulae".
 */
export function thresholdOverall(alpha: number, weight: number): number {
  return Math.log(2 / (alpha * weight));
}

/** Where ln E of one metric in one of `segments` segments halts that segment. */
export function thresholdSegment(alpha: number, weight: number, segments: number): number {
  return Math.log((2 * segments) / (alpha * weight));
}

/** False alarms of the A/A monitor over a rollout, all its tests together. */
export const AA_ALPHA = 0.01;
/** Tests the monitor has: alpha is shared by as many, whether or not all can be computed yet. */
const AA_TESTS = 7;

/** Where ln E of one test of the A/A monitor is an alarm. */
export function thresholdAa(alpha: number): number {
  return Math.log(AA_TESTS / alpha);
}

/** Error of each bound that admission uses overall: alpha over the bounds of all metrics and arms and their two sides. */
export function boundError(alpha: number): number {
  return alpha / 21;
}

/** Error of each bound that admission uses in a segment. */
export function segmentBoundError(alpha: number): number {
  return alpha / 155;
}
