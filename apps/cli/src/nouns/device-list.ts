// SPDX-License-Identifier: Apache-2.0
import { csvLine } from '@outrider/adapters/shared/device-csv';
import type { FoundDevice } from '@outrider/domain/gateway/finder-ports';
import { describeQueryError } from '@outrider/domain/gateway/query';
import { parseQuery } from '@outrider/domain/gateway/query-parse';
import { DEVICE_COLUMNS as CSV_COLUMNS, deviceCells, encodeDeviceLine } from '@outrider/protocol/gateway/device-import';
import { parseDeviceRecord } from '@outrider/protocol/gateway/device-record';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { type Command, Option } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { parseCount } from '../flags.ts';
import { showList } from '../output.ts';
import { DEVICE_COUNT_PATH, EXPECTED_DEVICES_PATH, PATHS, withQuery } from '../paths.ts';
import { ask } from '../server.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

/** `outrider device list`: devices by id, all or those that a query describes. */
export function deviceListVerb(device: Command, world: World): void {
  withConnection(device.command('list'))
    .description('devices by id, a page at a time; all, or those that a query describes')
    .option('--where <query>', 'for example "cohort = A and version < 2.0 and not silent > 7d"', '')
    .option('--after <device>', 'go on after this id')
    .option('--limit <count>', 'how many', parseCount, LIMIT_DEFAULT)
    .option('--count', 'only how many there are')
    .option('--expected', 'those that were announced and have not registered')
    .addOption(
      new Option('--format <format>', 'table, or a line each').choices(['table', 'ndjson', 'csv']).default('table'),
    )
    .option('--json', 'print JSON')
    .addHelpText('after', QUERY_HELP)
    .action((flags: ListFlags) => list(world, flags));
}

interface ListFlags extends ConnectionFlags {
  readonly where: string;
  readonly after?: string;
  readonly limit: number;
  readonly count?: true;
  readonly expected?: true;
  readonly format: 'table' | 'ndjson' | 'csv';
  readonly json?: true;
}

/** A screen or two. */
const LIMIT_DEFAULT = 100;

/** The most that the server gives at once. */
const LIMIT_MAX = 1_000;

const QUERY_HELP = `
A query compares fields: deviceId (id), deviceType (type), model, hardwareId (hardware), region, customer, carrier, tag,
cohort, group, version, counter, state, contact, registered, silent; with = != < <= > >= in "not in", joined by and or not ( ).
Versions compare as SemVer ranks them; a value that ends in * is a beginning. See docs/queries.md`;

async function list(world: World, flags: ListFlags): Promise<void> {
  checkQuery(flags.where);
  if (flags.limit > LIMIT_MAX) {
    const sentence = `The limit is ${flags.limit}, allowed are 1 to ${LIMIT_MAX}; \`outrider device export\` writes all there are`;
    throw usageFailure(sentence);
  }
  if (flags.expected === true) return await listExpected(world, flags);
  if (flags.count === true) return await count(world, flags);
  const { where, after, limit, format } = flags;
  const { text, value } = await ask(
    world,
    flags,
    withQuery(PATHS.devices, { where: where || undefined, after, limit }),
  );
  const rows = listAt(value, 'items');
  if (format === 'table') return showPage(world, flags, { text, rows, columns: DEVICE_COLUMNS });
  if (format === 'csv') world.write(csvLine(CSV_COLUMNS));
  for (const row of rows) {
    const found = foundDeviceOf(row);
    world.write(format === 'csv' ? csvLine(deviceCells(found)) : `${encodeDeviceLine(found)}\n`);
  }
  sayIfMore(world, flags, rows);
}

function foundDeviceOf(row: unknown): FoundDevice {
  const record = parseDeviceRecord(JSON.stringify(row));
  if (record.ok) return { record: record.value, attributesRevision: Number(cellAt(row, 'attributesRevision') ?? 1) };
  const sentence = `The server answered with a device that this program cannot read: ${describeParseError(record.error)}`;
  throw new CommandFailure('failed', sentence);
}

/** Found here, before anything is asked: the sentence points at the column. */
export function checkQuery(where: string): void {
  // What a group means the server knows.
  const query = parseQuery(where, () => ({ kind: 'all' }));
  if (!query.ok) throw new CommandFailure('usage', describeQueryError(query.error), { code: query.error.code });
}

async function count(world: World, flags: ListFlags): Promise<void> {
  const { text, value } = await ask(world, flags, withQuery(DEVICE_COUNT_PATH, { where: flags.where || undefined }));
  const isExact = cellAt(value, 'isExact') === 'yes';
  world.write(
    flags.json === true ? `${text.trimEnd()}\n` : `${isExact ? '' : 'at least '}${cellAt(value, 'devices')}\n`,
  );
}

async function listExpected(world: World, flags: ListFlags): Promise<void> {
  if (flags.where !== '' || flags.count === true || flags.format !== 'table') {
    throw usageFailure(
      '--expected goes with --after, --limit and --json only; announced devices run nothing to ask about',
    );
  }
  const { after, limit } = flags;
  const { text, value } = await ask(world, flags, withQuery(EXPECTED_DEVICES_PATH, { after, limit }));
  showPage(world, flags, { text, rows: listAt(value, 'items'), columns: EXPECTED_COLUMNS });
}

function showPage(
  world: World,
  flags: ListFlags,
  page: { readonly text: string; readonly rows: readonly unknown[]; readonly columns: readonly Column<unknown>[] },
): void {
  const { text, rows, columns } = page;
  const noun = `${flags.where === '' ? 'device' : 'such device'}${flags.after === undefined ? '' : ` after ${flags.after}`}`;
  showList(world, flags, { json: text, noun, rows, columns });
  sayIfMore(world, flags, rows);
}

/** On standard error, whatever the format: a page that is full is seldom all there is. */
function sayIfMore(world: World, flags: ListFlags, rows: readonly unknown[]): void {
  const last = cellAt(rows.at(-1), 'deviceId');
  if (rows.length === flags.limit && last !== undefined) world.log(`There may be more: --after ${last}`);
}

const ATTRIBUTES: readonly Column<unknown>[] = [
  { title: 'device', cell: (row) => cellAt(row, 'deviceId') },
  { title: 'type', cell: (row) => cellAt(row, 'attributes.deviceType') },
  { title: 'hardware', cell: (row) => cellAt(row, 'attributes.hardwareId') },
  { title: 'region', cell: (row) => cellAt(row, 'attributes.region') },
];

const DEVICE_COLUMNS: readonly Column<unknown>[] = [
  ...ATTRIBUTES,
  { title: 'version', cell: (row) => cellAt(row, 'status.running.version') },
  { title: 'state', cell: (row) => cellAt(row, 'status.state') },
  { title: 'last contact', cell: (row) => timeAt(row, 'status.lastContactAt') },
];

const EXPECTED_COLUMNS: readonly Column<unknown>[] = [
  ...ATTRIBUTES,
  { title: 'customer', cell: (row) => cellAt(row, 'attributes.customer') },
  { title: 'key', cell: (row) => (cellAt(row, 'publicKey') === undefined ? 'any' : 'given') },
  { title: 'expected since', cell: (row) => timeAt(row, 'expectedSince') },
];
