// SPDX-License-Identifier: Apache-2.0
import type { Figure } from '../../bench/figures.ts';
import { CELLS, type Cell, cellOf, FIFTY_MILLION, MILLION, type Played, SMALL_FLEETS, summary } from './cells.ts';
import { BEST_BREAKER, TUNED_BREAKER } from './rivals.ts';
import { COMPARED, timesFewer } from './times-fewer.ts';
import { BAD_WORLDS, FURTHER_WORLDS, GOOD_WORLDS } from './worlds.ts';

/** The figures of the rule beside their goals, and beside the tuned breaker where it can be compared, in these worlds. */
export function goalFigures(played: readonly Played[], cells: readonly string[] = CELLS): readonly Figure[] {
  const cell = (world: string, devices: number, rule = 'ours'): Cell =>
    summary(cellOf(played, { world, devices, rule }));
  const good = GOOD_WORLDS.map((one) => one.name).filter((name) => cells.includes(name));
  const bad = BAD_WORLDS.map((one) => one.name).filter((name) => cells.includes(name));
  return [
    ...(good.length === 0
      ? []
      : [
          falseHalts(cell, good),
          unfinished(cell, good),
          ...[TUNED_BREAKER, BEST_BREAKER].map((rival) => rivalFalseHalts(cell, good, rival)),
        ]),
    ...good.flatMap((name) => [
      days(cell(name, MILLION), `${name}, 1 million: days to 95 % of the fleet, median`, DAYS_MAX.get(name) ?? 13),
      days(cell(name, FIFTY_MILLION), `${name}, 50 million: days to 95 % of the fleet, median`, 20),
    ]),
    ...bad.map((name) => harmed(name, cell(name, MILLION), cell(name, MILLION, TUNED_BREAKER))),
    ...(bad.includes('F100')
      ? [...SMALL_FLEETS, MILLION, FIFTY_MILLION].map((devices) => everythingFails(devices, cell('F100', devices)))
      : []),
    ...(bad.length === 0
      ? []
      : [MILLION, FIFTY_MILLION].map((devices) => caught(devices, bad, (name) => cell(name, devices)))),
    ...(COMPARED.every((name) => bad.includes(name)) ? timesFewerFigures(cell) : []),
    ...FURTHER_WORLDS.flatMap(({ name, isGood }) =>
      name === 'swing' || !cells.includes(name) ? [] : [further(name, isGood, cell(name, MILLION))],
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

function falseHalts(cell: CellOf, worlds: readonly string[]): Figure {
  const { runs, stopped } = pooled(worlds.map((name) => cell(name, MILLION)));
  const goal = `<= 2 of 600`;
  const figure = `false halts of ${runs} good rollouts, 1 million`;
  return { figure, value: stopped, unit: 'halts', goal, holds: runs > 0 && stopped <= FALSE_HALTS_MAX_SHARE * runs };
}

/** A false alarm of the A/A monitor holds a rollout until a person looks: at most one in a hundred. */
function unfinished(cell: CellOf, worlds: readonly string[]): Figure {
  const { runs, unfinished: value } = pooled(worlds.map((name) => cell(name, MILLION)));
  const figure = `good rollouts of ${runs} that were held for good, 1 million`;
  return { figure, value, unit: 'rollouts', goal: '<= 1 %', holds: runs > 0 && value <= 0.01 * runs };
}

/** Of 96 good rollouts a breaker that halts one in a hundred halts more than three once in sixty runs of this proof. */
const HALTS_OF_A_TUNED_MAX_SHARE = 3 / 96;

/** What it is compared with must be tuned: one that halts good rollouts would be no rival. So few runs show only a coarse fault. */
function rivalFalseHalts(cell: CellOf, worlds: readonly string[], rival: string): Figure {
  const { runs, stopped } = pooled(worlds.map((name) => cell(name, MILLION, rival)));
  const figure = `false halts of ${runs} good rollouts by the rival ${rival}`;
  const goal = 'no more than 1 % explains: <= 3 of 96';
  return {
    figure,
    value: stopped,
    unit: 'halts',
    goal,
    holds: runs > 0 && stopped <= HALTS_OF_A_TUNED_MAX_SHARE * runs,
  };
}

function pooled(cells: readonly Cell[]): Pick<Cell, 'runs' | 'stopped' | 'unfinished'> {
  const sum = (of: (cell: Cell) => number): number => cells.reduce((total, one) => total + of(one), 0);
  return {
    runs: sum((one) => one.runs),
    stopped: sum((one) => one.stopped),
    unfinished: sum((one) => one.unfinished),
  };
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

function caught(devices: number, worlds: readonly string[], at: (world: string) => Cell): Figure {
  const cells = worlds.map((name) => ({ name, cell: at(name) }));
  const { runs, stopped } = pooled(cells.map((one) => one.cell));
  const missed = cells.flatMap(({ name, cell }) => (cell.stopped < cell.runs ? [name] : []));
  const where = missed.length === 0 ? '' : ` (not all of ${missed.join(', ')})`;
  return {
    figure: `bad rollouts caught of ${runs}, ${devices} devices${where}`,
    value: stopped,
    unit: 'rollouts',
    goal: 'all',
    holds: runs > 0 && stopped === runs,
  };
}

/** Against the breaker of the goal, whose share is tuned, and against one whose minimum is tuned to these very waves too. */
function timesFewerFigures(cell: CellOf): readonly Figure[] {
  const against = [
    { rival: TUNED_BREAKER, least: 30 },
    { rival: BEST_BREAKER, least: 10 },
  ];
  return against.map(({ rival, least }) => {
    const value = timesFewer(rival, (world, rule) => cell(world, MILLION, rule));
    const figure = `times fewer devices harmed than by ${rival}, geometric mean over ${COMPARED.join(' ')}`;
    return { figure, value, unit: 'x', peer: rival, ratio: value, goal: `>= ${least}`, holds: value >= least };
  });
}

/** Worlds beside the goals: a good one is not halted, a bad one is. Where the plan says so, one segment is, and it alone. */
function further(world: string, isGood: boolean, { runs, stopped, oneSegment, harmed: { median } }: Cell): Figure {
  const cost = isGood ? '' : `, ${median} harmed (median)`;
  const isSegmentOnly = world === 'S50-exclude';
  if (isSegmentOnly) {
    const figure = `${world}: one segment halted, the others finish, of ${runs}${cost}`;
    const holds = runs > 0 && oneSegment === runs && stopped === 0;
    return { figure, value: oneSegment, unit: 'rollouts', goal: 'all', holds };
  }
  const mayStop = isGood ? 0 : runs;
  return {
    figure: `${world}: stopped of ${runs}${cost}`,
    value: stopped,
    unit: 'rollouts',
    goal: isGood ? 'none' : 'all',
    holds: runs > 0 && stopped === mayStop,
  };
}
