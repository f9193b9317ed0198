// SPDX-License-Identifier: Apache-2.0
import type { Figure } from '../../bench/figures.ts';
import { type Cell, cellOf, FIFTY_MILLION, MILLION, type Played, SMALL_FLEETS, summary } from './cells.ts';
import { TUNED_BREAKER } from './rivals.ts';
import { BAD_WORLDS, FURTHER_WORLDS, GOOD_WORLDS } from './worlds.ts';

/** The figures of the rule beside their goals, and beside the tuned breaker where it can be compared. */
export function goalFigures(played: readonly Played[]): readonly Figure[] {
  const cell = (world: string, devices: number, rule = 'ours'): Cell =>
    summary(cellOf(played, { world, devices, rule }));
  return [
    falseHalts(cell),
    unfinished(cell),
    ...GOOD_WORLDS.flatMap(({ name }) => [
      days(cell(name, MILLION), `${name}, 1 million: days to 95 % of the fleet, median`, DAYS_MAX.get(name) ?? 13),
      days(cell(name, FIFTY_MILLION), `${name}, 50 million: days to 95 % of the fleet, median`, 20),
    ]),
    ...BAD_WORLDS.map(({ name }) => harmed(name, cell(name, MILLION), cell(name, MILLION, TUNED_BREAKER))),
    ...[...SMALL_FLEETS, MILLION, FIFTY_MILLION].map((devices) => everythingFails(devices, cell('F100', devices))),
    ...[MILLION, FIFTY_MILLION].map((devices) =>
      caught(
        BAD_WORLDS.map(({ name }) => cell(name, devices)),
        devices,
      ),
    ),
    timesFewer(cell),
    ...FURTHER_WORLDS.flatMap(({ name, isGood }) =>
      name === 'swing' ? [] : [further(name, isGood, cell(name, MILLION))],
    ),
  ];
}

type CellOf = (world: string, devices: number, rule?: string) => Cell;

/** Devices harmed, at the median of a cell on a million devices. */
const HARMED_MAX: ReadonlyMap<string, number> = new Map([
  ['F0.1', 60],
  ['F0.5', 20],
  ['F2', 12],
  ['F20', 8],
  ['F100', 15],
  ['B0.5', 220],
  ['L0.5', 500],
  ['S50', 6],
  ['C1.5', 250],
]);
const DAYS_MAX: ReadonlyMap<string, number> = new Map([['GI', 14]]);
/** Two of 600. */
const FALSE_HALTS_MAX_SHARE = 1 / 300;
/** The worlds in which the tuned breaker had a chance: neither those that no rule of reverts sees late, nor F100. */
const COMPARED = ['F0.1', 'F0.5', 'F2', 'F20', 'B0.5', 'S50', 'C1.5'] as const;

function falseHalts(cell: CellOf): Figure {
  const cells = GOOD_WORLDS.map(({ name }) => cell(name, MILLION));
  const runs = cells.reduce((sum, one) => sum + one.runs, 0);
  const value = cells.reduce((sum, one) => sum + one.stopped, 0);
  const goal = `<= 2 of 600`;
  const figure = `false halts of ${runs} good rollouts, 1 million`;
  return { figure, value, unit: 'halts', goal, holds: runs > 0 && value <= FALSE_HALTS_MAX_SHARE * runs };
}

/** A false alarm of the A/A monitor holds a rollout until a person looks: at most one in a hundred. */
function unfinished(cell: CellOf): Figure {
  const cells = GOOD_WORLDS.map(({ name }) => cell(name, MILLION));
  const runs = cells.reduce((sum, one) => sum + one.runs, 0);
  const value = cells.reduce((sum, one) => sum + one.unfinished, 0);
  const figure = `good rollouts of ${runs} that were held for good, 1 million`;
  return { figure, value, unit: 'rollouts', goal: '<= 1 %', holds: value <= 0.01 * runs };
}

function days({ days: { median }, runs, stopped }: Cell, figure: string, max: number): Figure {
  return { figure, value: median, unit: 'days', goal: `<= ${max}`, holds: runs > stopped && median <= max };
}

function harmed(world: string, ours: Cell, tuned: Cell): Figure {
  const max = HARMED_MAX.get(world) ?? Number.NaN;
  const value = ours.harmed.median;
  return {
    figure: `${world}, 1 million: devices harmed, median of ${ours.runs}`,
    value,
    unit: 'devices',
    peer: `${TUNED_BREAKER}: ${tuned.harmed.median}`,
    ratio: tuned.harmed.median / value,
    goal: `<= ${max}`,
    holds: value <= max,
  };
}

function everythingFails(devices: number, { harmed: { p95 } }: Cell): Figure {
  const figure = `F100, ${devices} devices: harmed, 95th percentile`;
  return { figure, value: p95, unit: 'devices', goal: '<= 15', holds: p95 <= 15 };
}

function caught(cells: readonly Cell[], devices: number): Figure {
  const runs = cells.reduce((sum, one) => sum + one.runs, 0);
  const stopped = cells.reduce((sum, one) => sum + one.stopped, 0);
  return {
    figure: `bad rollouts caught of ${runs}, ${devices} devices`,
    value: stopped,
    unit: 'rollouts',
    goal: 'all',
    holds: runs > 0 && stopped === runs,
  };
}

function timesFewer(cell: CellOf): Figure {
  const lnRatios = COMPARED.map((world) =>
    Math.log(cell(world, MILLION, TUNED_BREAKER).harmed.median / cell(world, MILLION).harmed.median),
  );
  const value = Math.exp(lnRatios.reduce((sum, one) => sum + one, 0) / lnRatios.length);
  const figure = `times fewer devices harmed, geometric mean over ${COMPARED.join(' ')}`;
  return { figure, value, unit: 'x', peer: TUNED_BREAKER, ratio: value, goal: '>= 30', holds: value >= 30 };
}

/** Worlds beside the goals: a good one is not halted, a bad one is. One segment may be halted alone where the plan says so. */
function further(world: string, isGood: boolean, { runs, stopped, harmed: { median } }: Cell): Figure {
  const isSegmentOnly = world === 'S50-exclude';
  const mayStop = isGood || isSegmentOnly ? 0 : runs;
  const cost = isGood ? '' : `, ${median} harmed (median)`;
  return {
    figure: `${world}: stopped of ${runs}${cost}`,
    value: stopped,
    unit: 'rollouts',
    goal: mayStop === 0 ? 'none' : 'all',
    holds: runs > 0 && stopped === mayStop,
  };
}
