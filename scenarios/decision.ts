// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { jobsOf, type Seeds } from './decision/cells.ts';
import { goalFigures } from './decision/goals.ts';
import { tablesOf } from './decision/tables.ts';
import { playAll } from './decision/workers.ts';

export const name = 'decision';

/**
 * Plays the shipped decision rule, and what others ship, on simulated fleets of 10,000 to 50 million devices: how often a
 * good release is halted, how many devices a bad one harms, how long each takes. Tables of all cells go to the log.
 */
export async function run(options: MeasureOptions & { readonly seeds?: Seeds }): Promise<readonly Figure[]> {
  const played = await playAll(jobsOf(options.seed, options.seeds ?? SEEDS), options.log);
  options.log(`\n${tablesOf(played)}\n`);
  return goalFigures(played);
}

/** Sixty a bad cell and 600 good rollouts, as the goals ask; the rest as many as show a fault of one in five. */
const SEEDS: Seeds = { bad: 60, good: 150, goodRivals: 24, further: 12 };
