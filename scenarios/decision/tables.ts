// SPDX-License-Identifier: Apache-2.0
import { shortNumber } from '../../bench/figures.ts';
import { cellOf, FIFTY_MILLION, MILLION, type Played, type Quantiles, SMALL_FLEETS, summary } from './cells.ts';
import { RIVALS } from './rivals.ts';
import { COMPARED, timesFewer } from './times-fewer.ts';
import type { World } from './world.ts';
import { BAD_WORLDS, FURTHER_WORLDS, GOOD_WORLDS } from './worlds.ts';

/** Everything that was played, as tables in Markdown: median (95th percentile). */
export function tablesOf(played: readonly Played[]): string {
  const rivals = RIVALS.map((one) => one.name);
  const rules = ['ours', ...rivals];
  const at = (world: string, devices: number, rule: string) => summary(cellOf(played, { world, devices, rule }));
  const names = (worlds: readonly World[]): readonly string[] =>
    worlds.map((one) => one.name).filter((name) => played.some(({ job }) => job.world === name));
  const [bad, good] = [names(BAD_WORLDS), names(GOOD_WORLDS)];
  const sizes = [...SMALL_FLEETS, FIFTY_MILLION];
  return [
    table(['harmed, 1 million', ...bad], rules, (rule, world) => span(at(world, MILLION, rule).harmed)),
    table(['caught, 1 million', ...bad], rules, (rule, world) => ratio(at(world, MILLION, rule))),
    table(['hours to halt, 1 million', ...bad], rules, (rule, world) => span(at(world, MILLION, rule).hours)),
    table(['false halts, 1 million', ...good], rules, (rule, world) => ratio(at(world, MILLION, rule))),
    table(
      ['ours against', 'times fewer devices harmed'],
      COMPARED.every((one) => bad.includes(one)) ? rivals : [],
      (rule) => shortNumber(rounded(timesFewer(rule, (world, one) => at(world, MILLION, one)))),
    ),
    table(['days to 95 %, 1 million', ...good], ['ours', 'none'], (rule, world) => span(at(world, MILLION, rule).days)),
    table(['ours, by fleet: harmed', ...bad], sizes.map(String), (size, world) =>
      span(at(world, Number(size), 'ours').harmed),
    ),
    table(['ours, by fleet: caught', ...bad], sizes.map(String), (size, world) =>
      ratio(at(world, Number(size), 'ours')),
    ),
    table(['ours, 50 million', ...good], ['false halts', 'days to 95 %', 'pauses'], (row, world) => {
      const cell = at(world, FIFTY_MILLION, 'ours');
      if (row === 'false halts') return ratio(cell);
      return row === 'pauses' ? `${cell.paused} of ${cell.runs}` : span(cell.days);
    }),
    table(['ours, 1 million', ...good], ['pauses'], (_, world) => {
      const cell = at(world, MILLION, 'ours');
      return `${cell.paused} of ${cell.runs}`;
    }),
    table(
      ['world, 1 million', 'what happens', 'stopped', 'harmed', 'days to 95 %'],
      names(FURTHER_WORLDS),
      (world, column) => {
        const cell = at(world, MILLION, 'ours');
        if (column === 'what happens') return FURTHER_WORLDS.find((one) => one.name === world)?.text ?? '';
        if (column === 'stopped') return ratio(cell);
        return span(column === 'harmed' ? cell.harmed : cell.days);
      },
    ),
  ]
    .filter((one) => one !== '')
    .join('\n\n');
}

/** Empty where nothing of it was played. */
function table(
  head: readonly string[],
  rows: readonly string[],
  cell: (row: string, column: string) => string,
): string {
  const columns = head.slice(1);
  if (columns.length === 0 || rows.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    `|${head.map(() => '---|').join('')}`,
    ...rows.map((row) => line([row, ...columns.map((column) => cell(row, column))])),
  ].join('\n');
}

function span({ median, p95 }: Quantiles): string {
  return Number.isNaN(median) ? '-' : `${spanEnd(median)} (${spanEnd(p95)})`;
}

/** Infinite: not within the days that were played. */
function spanEnd(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'later' : shortNumber(rounded(value));
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}

function ratio({ stopped, runs }: { readonly stopped: number; readonly runs: number }): string {
  return runs === 0 ? '-' : `${stopped} of ${runs}`;
}
