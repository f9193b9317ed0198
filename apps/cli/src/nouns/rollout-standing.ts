// SPDX-License-Identifier: Apache-2.0
import { cellAt, listAt, timeAt } from '../answer.ts';
import { table } from '../table.ts';

/** What a rollout has shown, how near it is to its base rates, and what people overruled: tables under its card. */
export function standingTables(view: unknown): string {
  return [
    titled('What it has shown (99 % confidence, all at once)', shownTable(listAt(view, 'shown'))),
    titled('Base rates', driftTable(listAt(view, 'baseDrift'))),
    titled('Overruled findings', overruledTable(listAt(view, 'rollout.overruled'))),
  ].join('');
}

/** One statement for the list of decisions, for example `revert <= 0.0121 %: not shown`; the first of the overall ones. */
export function shownText(shown: readonly unknown[]): string | undefined {
  const first = shown.find((one) => cellAt(one, 'segment') === undefined);
  if (first === undefined) return undefined;
  return `${cellAt(first, 'metric')} <= ${percentAt(first, 'upper')}: ${verdictText(first)}`;
}

function titled(title: string, text: string): string {
  return text === '' ? '' : `\n${title}\n${text}`;
}

function shownTable(rows: readonly unknown[]): string {
  if (rows.length === 0) return '';
  return table(rows, [
    {
      title: 'metric',
      cell: (row) => `${cellAt(row, 'metric')}${cellAt(row, 'kind') === 'excess' ? ' over control' : ''}`,
    },
    { title: 'segment', cell: (row) => cellAt(row, 'segment') ?? 'all' },
    { title: 'outcomes', cell: (row) => cellAt(row, 'closed') },
    { title: 'events', cell: (row) => cellAt(row, 'events') },
    { title: 'at least', cell: (row) => percentAt(row, 'lower') },
    { title: 'at most', cell: (row) => percentAt(row, 'upper') },
    { title: 'is it <= 0.01 %', cell: verdictText },
  ]);
}

/** Yes, no, or what is missing for an answer. */
function verdictText(row: unknown): string {
  const verdict = cellAt(row, 'verdict');
  if (verdict === 'within-goal') return 'yes';
  if (verdict === 'above-goal') return 'no';
  const needed = cellAt(row, 'closedNeeded');
  return needed === undefined ? 'not shown' : `not shown (${needed} outcomes would)`;
}

function driftTable(rows: readonly unknown[]): string {
  if (rows.length === 0) return '';
  return table(rows, [
    { title: 'metric', cell: (row) => cellAt(row, 'metric') },
    { title: 'declared', cell: (row) => percentAt(row, 'baseRate') },
    { title: 'observed', cell: (row) => percentAt(row, 'observed') },
    { title: 'worst hours', cell: (row) => percentAt(row, 'worst') },
    { title: 'level', cell: (row) => cellAt(row, 'level') },
  ]);
}

function overruledTable(rows: readonly unknown[]): string {
  if (rows.length === 0) return '';
  return table(rows, [
    { title: 'finding', cell: (row) => cellAt(row, 'finding') },
    { title: 'field', cell: (row) => cellAt(row, 'field') },
    { title: 'because', cell: (row) => cellAt(row, 'because') },
    { title: 'by', cell: (row) => cellAt(row, 'by') },
    { title: 'at', cell: (row) => timeAt(row, 'at') },
  ]);
}

/** Three significant digits are enough for a person; --json has them all. */
function percentAt(row: unknown, path: string): string | undefined {
  const share = cellAt(row, path);
  return typeof share === 'number' ? `${Number((100 * share).toPrecision(3))} %` : undefined;
}
