// SPDX-License-Identifier: Apache-2.0
import { parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { type Command, Option } from 'commander';
import { type Answer, cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { readDocument } from '../files.ts';
import { type OutputFlags, show } from '../output.ts';
import { PATHS, pathOfOne, withQuery } from '../paths.ts';
import { ask, tell } from '../server.ts';
import { type Column, table } from '../table.ts';
import type { World } from '../world.ts';

/** `outrider rollout forecast`: what a plan will do, before it does anything. */
export function rolloutForecastVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('forecast'))
    .description('what a plan will do: devices, bytes, dates, harm, and what is missing')
    .argument('[manifest]', 'the plan as JSON, as `rollout create --print-plan` writes it')
    .option('--rollout <id>', 'a rollout that exists, instead of a file')
    .option('--price <amount>', 'what a gigabyte costs, and where it differs by region: 0.05 or 0.05,eu=0.02,in=0.11')
    .addOption(new Option('--currency <code>', 'of the price').default('EUR'))
    .option('--json', 'print JSON')
    .action((manifest: string | undefined, flags: Flags) => forecast(world, manifest, flags));
}

interface Flags extends ConnectionFlags, OutputFlags {
  readonly rollout?: string;
  readonly price?: string;
  readonly currency: string;
}

async function forecast(world: World, manifest: string | undefined, flags: Flags): Promise<void> {
  const price = flags.price === undefined ? {} : { pricePerGigabyte: flags.price, currency: flags.currency };
  const answer = await answerOf(world, { manifest, flags, price });
  const { text, value } = answer;
  show(world, flags, text, () => [
    ['rollout', cellAt(value, 'forecast.rolloutId')],
    ['release', cellAt(value, 'forecast.releaseId')],
    ['devices', cellAt(value, 'forecast.eligible')],
    ['of an audience of', cellAt(value, 'forecast.population')],
    ['bytes', bytesText(cellAt(value, 'forecast.traffic.bytes'))],
    ['cost', costText(value, 'forecast.traffic.cost')],
    ['all released', between(value, 'forecast.completesAt')],
    ['95 % run it', between(value, 'forecast.verified95At')],
    ['99 % run it', between(value, 'forecast.verified99At')],
    ['intervals hold', `all at once with ${cellAt(value, 'forecast.confidencePercent')} %, if the release is good`],
  ]);
  if (flags.json !== true) writeTables(world, answer);
}

interface Question {
  readonly manifest: string | undefined;
  readonly flags: Flags;
  readonly price: Readonly<Record<string, string>>;
}

async function answerOf(world: World, { manifest, flags, price }: Question): Promise<Answer> {
  if ((manifest === undefined) === (flags.rollout === undefined)) {
    throw usageFailure('A forecast needs either the file of a plan or --rollout <id>');
  }
  if (flags.rollout !== undefined) {
    return ask(world, flags, withQuery(pathOfOne('rollouts', flags.rollout, 'forecast'), price));
  }
  const plan = await readDocument(world, { noun: 'plan', path: manifest ?? '' }, parseRolloutPlan);
  return tell(world, flags, `${PATHS.rollouts}/forecast`, { plan, ...price });
}

function writeTables(world: World, { value }: Answer): void {
  const hasCost = cellAt(value, 'forecast.traffic.cost.amount') !== undefined;
  writeTable(world, listAt(value, 'forecast.waves'), [
    { title: 'wave', cell: (row) => cellAt(row, 'name') },
    { title: 'devices', cell: (row) => cellAt(row, 'devices') },
    { title: 'up to', cell: (row) => cellAt(row, 'devicesUpTo') },
    { title: 'bytes', cell: (row) => bytesText(cellAt(row, 'traffic.bytes')) },
    ...(hasCost ? [{ title: 'cost', cell: (row: unknown) => costText(row, 'traffic.cost') }] : []),
    { title: 'opens', cell: (row) => between(row, 'opensAt') },
    { title: 'permits at its end', cell: (row) => range(row, 'granted') },
  ]);
  for (const [path, title] of [
    ['forecast.traffic.bySegment', 'segment'],
    ['forecast.traffic.byVersion', 'source version'],
    ['forecast.traffic.byRegion', 'region'],
  ] as const) {
    writeTable(world, listAt(value, path), [
      { title, cell: (row) => cellAt(row, 'name') },
      { title: 'devices', cell: (row) => cellAt(row, 'devices') },
      { title: 'bytes', cell: (row) => bytesText(cellAt(row, 'bytes')) },
      ...(hasCost ? [{ title: 'cost', cell: (row: unknown) => costText(row, 'cost') }] : []),
    ]);
  }
  writeTable(world, listAt(value, 'forecast.limits'), [
    { title: 'limited by', cell: (row) => cellAt(row, 'code') },
    { title: 'name', cell: (row) => cellAt(row, 'name') },
    { title: 'devices', cell: (row) => cellAt(row, 'devices') },
    { title: 'what it does', cell: (row) => cellAt(row, 'detail') },
  ]);
  writeTable(world, telling(listAt(value, 'forecast.provable')), [
    { title: 'metric', cell: (row) => cellAt(row, 'metric') },
    { title: 'can exclude', cell: (row) => percent(cellAt(row, 'excess')) },
    { title: 'treated devices', cell: (row) => cellAt(row, 'devicesNeeded') ?? 'more than there are' },
    { title: 'by', cell: (row) => dateAfter(value, cellAt(row, 'atHours.median')) },
    { title: 'after hours', cell: (row) => range(row, 'atHours') },
  ]);
  writeTable(world, listAt(value, 'forecast.defects'), [
    { title: 'defect', cell: (row) => cellAt(row, 'name') },
    { title: 'what happens', cell: (row) => cellAt(row, 'text') },
    { title: 'harmed, expected', cell: (row) => rounded(cellAt(row, 'harmedMean')) },
    { title: 'median', cell: (row) => cellAt(row, 'harmedMedian') },
    { title: 'one in twenty', cell: (row) => cellAt(row, 'harmedP95') },
    { title: 'caught', cell: (row) => percent(cellAt(row, 'caughtShare')) },
    { title: 'hours to halt', cell: (row) => cellAt(row, 'hoursToHalt') },
  ]);
  writeTable(world, listAt(value, 'baseRates'), [
    { title: 'base rate of', cell: (row) => cellAt(row, 'metric') },
    { title: 'proposed', cell: (row) => percent(cellAt(row, 'baseRate')) },
    { title: 'from', cell: (row) => cellAt(row, 'source') },
  ]);
  writeTable(
    world,
    [...listAt(value, 'forecast.missing'), ...listAt(value, 'findings')],
    [
      { title: 'to look at', cell: (row) => cellAt(row, 'code') },
      { title: 'severity', cell: (row) => cellAt(row, 'severity') ?? 'missing' },
      { title: 'detail', cell: (row) => cellAt(row, 'detail') },
    ],
  );
}

/** Of each metric what can be excluded, and the largest of what cannot: what is smaller cannot either. */
function telling(provable: readonly unknown[]): readonly unknown[] {
  const unprovable = new Set<unknown>();
  return provable.filter((row) => {
    if (cellAt(row, 'devicesNeeded') !== undefined) return true;
    const metric = cellAt(row, 'metric');
    const isFirst = !unprovable.has(metric);
    unprovable.add(metric);
    return isFirst;
  });
}

function writeTable(world: World, rows: readonly unknown[], columns: readonly Column<unknown>[]): void {
  if (rows.length > 0) world.write(`\n${table(rows, columns)}`);
}

function between(value: unknown, path: string): string | undefined {
  const [low, median, high] = ['low', 'median', 'high'].map((end) =>
    timeAt(value, `${path}.${end}`)?.slice(0, MINUTE_CHARACTERS),
  );
  return median === undefined ? undefined : `${median} (${low} to ${high})`;
}

function range(value: unknown, path: string): string | undefined {
  const [low, median, high] = ['low', 'median', 'high'].map((end) => cellAt(value, `${path}.${end}`));
  return median === undefined ? undefined : `${median} (${low} to ${high})`;
}

function costText(value: unknown, path: string): string | undefined {
  const amount = cellAt(value, `${path}.amount`);
  if (typeof amount !== 'number') return undefined;
  return `${amount.toFixed(2)} ${cellAt(value, `${path}.currency`)}`;
}

/** The instant that lies so many hours after the start, which is taken to be the instant of the forecast. */
function dateAfter(value: unknown, hours: string | number | undefined): string | undefined {
  const at = Date.parse(timeAt(value, 'forecast.at') ?? '');
  if (typeof hours !== 'number' || Number.isNaN(at)) return undefined;
  return new Date(at + hours * HOUR_MS).toISOString().slice(0, MINUTE_CHARACTERS);
}

function rounded(mean: string | number | undefined): number | undefined {
  return typeof mean === 'number' ? Number(mean.toPrecision(3)) : undefined;
}

function percent(share: string | number | undefined): string | undefined {
  return typeof share === 'number' ? `${Number((100 * share).toPrecision(3))} %` : undefined;
}

const HOUR_MS = 3_600_000;
/** An instant as ISO 8601 to the minute. */
const MINUTE_CHARACTERS = 16;

/** Powers of ten, as traffic is billed. */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

function bytesText(bytes: string | number | undefined): string | undefined {
  if (typeof bytes !== 'number') return undefined;
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(4))} ${UNITS[power] ?? ''}`;
}
