// SPDX-License-Identifier: Apache-2.0
import type { Run } from './play.ts';
import { BAD_WORLDS, FURTHER_WORLDS, GOOD_WORLDS } from './worlds.ts';

/** One rollout to play: a world on a fleet of a size, under our rule or under all rivals at once. */
export interface Job {
  readonly world: string;
  readonly devices: number;
  readonly seed: string;
  readonly rules: 'ours' | 'rivals';
  readonly daysMax: number;
}

/** How it ended, by rule: `ours`, or the name of a rival. */
export interface Played {
  readonly job: Job;
  readonly runs: readonly (readonly [rule: string, run: Run])[];
}

/** How many seeds each kind of cell is played with. */
export interface Seeds {
  /** A bad world on a million devices, ours and rivals. */
  readonly bad: number;
  /** A good world on a million devices: four of them are pooled. */
  readonly good: number;
  /** A good world for the rivals: the first of the same seeds. */
  readonly goodRivals: number;
  /** Fleets of other sizes, and the worlds beside the tables of goals. */
  readonly further: number;
}

/** As many as the claim asks a bad cell for, and 600 good rollouts; the rest as many as show a fault of one in five. */
export const BAD_SEEDS_FULL = 60;

/** The same proportions for another number of seeds a bad cell. */
export function seedsOf(bad: number): Seeds {
  return { bad, good: Math.ceil(bad * 2.5), goodRivals: Math.ceil(bad * 0.4), further: Math.ceil(bad / 5) };
}

export const MILLION = 1_000_000;
export const FIFTY_MILLION = 50_000_000;
/** Where the first step of ten devices must bound the harm as well. */
export const SMALL_FLEETS = [1_000, 10_000, 100_000] as const;

/** Rollouts end by themselves after about twelve days; a fleet of fifty million may take twenty. */
const DAYS_MAX = 26;

/** Every world there is, by name. */
export const CELLS: readonly string[] = [...GOOD_WORLDS, ...BAD_WORLDS, ...FURTHER_WORLDS].map((one) => one.name);

/** Every rollout of these worlds to play, in an order in which long and short ones alternate. */
export function jobsOf(seed: string, seeds: Seeds, cells: readonly string[] = CELLS): readonly Job[] {
  const jobs: Job[] = [];
  const add = (cell: Omit<Job, 'seed' | 'daysMax'>, count: number): void => {
    if (!cells.includes(cell.world)) return;
    for (let index = 0; index < count; index++) jobs.push({ ...cell, seed: `${seed}-${index}`, daysMax: DAYS_MAX });
  };
  for (const { name: world } of GOOD_WORLDS) {
    add({ world, devices: MILLION, rules: 'ours' }, seeds.good);
    add({ world, devices: MILLION, rules: 'rivals' }, seeds.goodRivals);
    add({ world, devices: FIFTY_MILLION, rules: 'ours' }, seeds.further);
  }
  for (const { name: world } of BAD_WORLDS) {
    add({ world, devices: MILLION, rules: 'ours' }, seeds.bad);
    add({ world, devices: MILLION, rules: 'rivals' }, seeds.bad);
    add({ world, devices: FIFTY_MILLION, rules: 'ours' }, seeds.further);
    for (const devices of SMALL_FLEETS) add({ world, devices, rules: 'ours' }, seeds.further);
  }
  for (const { name: world } of FURTHER_WORLDS) add({ world, devices: MILLION, rules: 'ours' }, seeds.further);
  return jobs;
}

/** All runs of one world, fleet and rule. */
export function cellOf(played: readonly Played[], at: CellName): readonly Run[] {
  return played
    .filter(({ job }) => job.world === at.world && job.devices === at.devices)
    .flatMap(({ runs }) => runs.flatMap(([rule, run]) => (rule === at.rule ? [run] : [])));
}

export interface CellName {
  readonly world: string;
  readonly devices: number;
  readonly rule: string;
}

/** What a cell says: how often it was stopped, and the middle and the 95th percentile of what it cost. */
export interface Cell {
  readonly runs: number;
  readonly stopped: number;
  readonly harmed: Quantiles;
  readonly hours: Quantiles;
  readonly days: Quantiles;
  /** Neither stopped nor at 95 % of the fleet within the time that was played. */
  readonly unfinished: number;
  /** Not stopped, and exactly one segment was halted. */
  readonly oneSegment: number;
  /** Paused for a person to look, who found nothing. */
  readonly paused: number;
}

/** Not a number where there is nothing to count. */
export interface Quantiles {
  readonly median: number;
  readonly p95: number;
}

export function summary(runs: readonly Run[]): Cell {
  return {
    runs: runs.length,
    stopped: runs.filter((one) => one.stop !== undefined).length,
    harmed: quantiles(runs.map((one) => one.harmed)),
    hours: quantiles(runs.flatMap((one) => one.stop?.hours ?? [])),
    // One that was not stopped and did not come to its end took longer than was played, and must not be left out.
    days: quantiles(
      runs.filter((one) => one.stop === undefined).map((one) => one.daysTo95 ?? Number.POSITIVE_INFINITY),
    ),
    unfinished: runs.filter((one) => one.stop === undefined && one.daysTo95 === undefined).length,
    oneSegment: runs.filter((one) => one.stop === undefined && one.haltedSegments === 1).length,
    paused: runs.filter((one) => one.pauses > 0 && one.stop === undefined).length,
  };
}

/** The median as the mean of the middle two; the 95th percentile as the smallest value that 95 % do not exceed. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[Math.min(Math.max(index, 0), sorted.length - 1)] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    p95: at(Math.ceil(0.95 * sorted.length) - 1),
  };
}
