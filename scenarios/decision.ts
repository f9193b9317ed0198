// SPDX-License-Identifier: Apache-2.0
import type { Figure, ListFlag, MeasureOptions, WholeFlag } from '../bench/figures.ts';
import { BAD_SEEDS_FULL, CELLS, jobsOf, seedsOf } from './decision/cells.ts';
import { goalFigures } from './decision/goals.ts';
import { playAll } from './decision/play-all.ts';
import { tablesOf } from './decision/tables.ts';

export const name = 'decision';

export const flags: Readonly<Record<'seeds', WholeFlag>> = {
  seeds: {
    sentence: 'seeds of a bad world, with two and a half times as many of a good one',
    ...{ default: BAD_SEEDS_FULL, min: 1, max: 10_000 },
  },
};

export const lists: Readonly<Record<'cells', ListFlag>> = {
  cells: { sentence: 'worlds to play', allowed: CELLS },
};

/**
 * Plays the shipped decision rule, and what others ship, on simulated fleets of 10,000 to 50 million devices: how often a
 * good release is halted, how many devices a bad one harms, how long each takes. Tables of all cells go to the log. With
 * fewer seeds or only some of the worlds the figures are marked as reduced: they are not the claim.
 */
export async function run({ seed, log, flags: given, lists: picked }: MeasureOptions): Promise<readonly Figure[]> {
  const { seeds = BAD_SEEDS_FULL } = given;
  const cells = picked?.cells ?? CELLS;
  const played = await playAll(jobsOf(seed, seedsOf(seeds), cells), log);
  log(`\n${tablesOf(played)}\n`);
  const figures = goalFigures(played, cells);
  const isFull = seeds >= BAD_SEEDS_FULL && CELLS.every((one) => cells.includes(one));
  return isFull ? figures : figures.map((one) => ({ ...one, isReduced: true }));
}
