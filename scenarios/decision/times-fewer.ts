// SPDX-License-Identifier: Apache-2.0
import type { Cell } from './cells.ts';

/** The worlds in which a breaker of reverts has a chance: neither those that it sees late or never, nor F100. */
export const COMPARED = ['F0.1', 'F0.5', 'F2', 'F20', 'B0.5', 'S50', 'C1.5'] as const;

/** How many times fewer devices our rule harms than another: the geometric mean of the ratios of the medians. */
export function timesFewer(rule: string, at: (world: string, rule: string) => Cell): number {
  const lnRatios = COMPARED.map((world) => Math.log(at(world, rule).harmed.median / at(world, 'ours').harmed.median));
  return Math.exp(lnRatios.reduce((sum, one) => sum + one, 0) / lnRatios.length);
}
