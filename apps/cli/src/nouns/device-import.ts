// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type DeviceRow, deviceRows } from '@outrider/adapters/shared/device-rows';
import { encodeDeviceImport } from '@outrider/protocol/gateway/device-import';
import { type Command, Option } from 'commander';
import { cellAt, listAt, parseAnswer } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { fileFailure, pathOf } from '../files.ts';
import { parseLabel } from '../flags.ts';
import type { ManagementClient } from '../management-client.ts';
import { type OutputFlags, show } from '../output.ts';
import { DEVICE_IMPORT_PATH, withQuery } from '../paths.ts';
import { progressBar } from '../progress-bar.ts';
import { connect } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider device import`: announces devices that will come, and changes attributes of those that are there. */
export function deviceImportVerb(device: Command, world: World): void {
  withConnection(device.command('import'))
    .description('announce devices, or change their attributes, from a CSV or NDJSON file; run it again to go on')
    .argument('<file>', 'its name, or - for standard input')
    .addOption(new Option('--format <format>', 'default: by the ending of the file').choices(['csv', 'ndjson']))
    .option('--dry-run', 'say what would happen and change nothing')
    .option('--report <file>', 'where lines that were refused go (default: the name of the file and .refused.ndjson)')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--json', 'print JSON')
    .action((file: string, flags: ImportFlags) => importFile(world, file, flags));
}

interface ImportFlags extends ConnectionFlags, OutputFlags {
  readonly format?: 'csv' | 'ndjson';
  readonly dryRun?: true;
  readonly report?: string;
  readonly author?: string;
}

/** Lines of one request: a tenth of a second, and what is sent again at most when an answer is lost. */
const BATCH_LINES = 1_000;

const COUNTS = ['announced', 'updated', 'unchanged'] as const;

async function importFile(world: World, file: string, flags: ImportFlags): Promise<void> {
  const format = flags.format ?? formatOf(file);
  const reportName = flags.report ?? `${file === '-' ? 'standard-input' : file}.refused.ndjson`;
  if (file !== '-' && pathOf(world, reportName) === pathOf(world, file)) {
    throw usageFailure(`The report would be written over ${file}, which is read; give --report another name`);
  }
  const client = await connect(world, flags);
  const source = await openSource(world, file);
  const report = reportFile(world, reportName);
  const bar = progressBar(world, source.bytes === undefined ? 'lines' : 'bytes');
  const tally = { lines: 0, announced: 0, updated: 0, unchanged: 0, refused: 0 };
  let batch: DeviceRow[] = [];
  let firstFault: LineFault | undefined;

  async function send(): Promise<void> {
    const answer = await sendBatch(client, batch, { isDryRun: flags.dryRun === true, author: flags.author });
    for (const name of COUNTS) tally[name] += Number(cellAt(answer.value, name) ?? 0);
    const faults = faultsOf(batch, answer.value);
    tally.refused += faults.length;
    firstFault ??= faults[0];
    await report.add(faults);
    tally.lines += batch.length;
    batch = [];
    bar.show(source.bytes === undefined ? tally.lines : source.read(), source.bytes);
  }

  try {
    for await (const row of deviceRows(source.chunks, format)) {
      batch.push(row);
      if (batch.length === BATCH_LINES) await send();
    }
    if (batch.length > 0) await send();
  } catch (cause) {
    throw tally.lines === 0 ? cause : brokenOff(cause, `the first ${tally.lines} lines of ${file} ${done(flags)}`);
  } finally {
    bar.end();
    await report.close();
  }
  const result = { isDryRun: flags.dryRun === true, ...tally, ...(tally.refused === 0 ? {} : { report: report.path }) };
  show(world, flags, JSON.stringify(result), () => Object.entries({ ...tally }));
  if (tally.refused > 0) {
    const sentence = `${tally.refused} of ${tally.lines} lines were refused; each stands in ${report.path} with its reason, all others ${done(flags)}${firstOf(firstFault)}`;
    throw new CommandFailure('refused', sentence, { code: 'lines-refused' });
  }
}

/** A column that is missing refuses every line: who reads the first reason need not open the report. */
function firstOf(fault: LineFault | undefined): string {
  return fault === undefined ? '' : `. The first is line ${fault.line}: ${fault.detail}`;
}

/** What became of the lines that were not refused. */
function done(flags: ImportFlags): string {
  return flags.dryRun === true ? 'would be taken in' : 'are taken in';
}

function formatOf(file: string): 'csv' | 'ndjson' {
  if (file.endsWith('.csv')) return 'csv';
  if (file.endsWith('.ndjson') || file.endsWith('.jsonl')) return 'ndjson';
  throw usageFailure(`The ending of ${file} does not tell its format; add --format csv or --format ndjson`);
}

async function openSource(world: World, file: string) {
  if (file === '-') {
    async function* chunks() {
      for await (const line of world.inputLines()) yield `${line}\n`;
    }
    return { chunks: chunks(), bytes: undefined, read: () => 0 };
  }
  const path = pathOf(world, file);
  try {
    const { size } = await stat(path);
    const stream = createReadStream(path);
    await once(stream, 'open');
    return { chunks: bytesOf(stream, file), bytes: size, read: () => stream.bytesRead };
  } catch (cause) {
    throw fileFailure(cause, 'list of devices', file, 'read');
  }
}

/** A folder can be opened, and a disk can fail later: both are seen only when it is read. */
async function* bytesOf(stream: ReadStream, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    throw fileFailure(cause, 'list of devices', file, 'read');
  }
}

/** Sent as NDJSON whatever the file was: the lines that are no devices stay here. */
async function sendBatch(
  client: ManagementClient,
  batch: readonly DeviceRow[],
  { isDryRun, author }: { readonly isDryRun: boolean; readonly author: string | undefined },
) {
  const lines = batch.flatMap((row) => (row.kind === 'device' ? [`${encodeDeviceImport(row.device)}\n`] : []));
  const body = Buffer.from(lines.join(''));
  const path = withQuery(DEVICE_IMPORT_PATH, { format: 'ndjson', dryRun: isDryRun ? 'true' : undefined, author });
  const stream = () => new Blob([body]).stream();
  return parseAnswer(await client.ask({ method: 'POST', path, bytes: { stream, length: body.length } }));
}

interface LineFault {
  readonly line: number;
  readonly deviceId?: string | number | undefined;
  readonly code: string | number | undefined;
  readonly detail: string | number | undefined;
}

/** With the line of the file, not of the request. */
function faultsOf(batch: readonly DeviceRow[], answer: unknown): readonly LineFault[] {
  const sent = batch.filter((row) => row.kind === 'device');
  const refused = listAt(answer, 'faults').map((fault): LineFault => {
    const line = sent[Number(cellAt(fault, 'line')) - 1]?.line ?? 0;
    return { line, deviceId: cellAt(fault, 'deviceId'), code: cellAt(fault, 'code'), detail: cellAt(fault, 'detail') };
  });
  const malformed = batch.flatMap((row): readonly LineFault[] =>
    row.kind === 'fault' ? [{ line: row.line, code: 'line-malformed', detail: row.detail }] : [],
  );
  return [...refused, ...malformed].sort((a, b) => a.line - b.line);
}

/** Made with the first fault, so that a file without one leaves nothing behind. */
function reportFile(world: World, name: string) {
  let handle: FileHandle | undefined;
  return {
    path: name,
    async add(faults: readonly LineFault[]): Promise<void> {
      if (faults.length === 0) return;
      try {
        handle ??= await open(pathOf(world, name), 'w', 0o600);
        await handle.writeFile(faults.map((fault) => `${JSON.stringify(fault)}\n`).join(''));
      } catch (cause) {
        throw fileFailure(cause, 'report', name, 'written');
      }
    },
    close: async () => await handle?.close(),
  };
}

function brokenOff(cause: unknown, done: string): unknown {
  if (!(cause instanceof CommandFailure)) return cause;
  const sentence = `${cause.message}; ${done}, run the same command again to go on`;
  return new CommandFailure(cause.exit, sentence, { code: cause.code, cause });
}
