// SPDX-License-Identifier: Apache-2.0
import { open, rename, rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { cellAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { fileFailure, pathOf } from '../files.ts';
import { DEVICE_COUNT_PATH, DEVICE_EXPORT_PATH, withQuery } from '../paths.ts';
import { type ProgressBar, progressBar } from '../progress-bar.ts';
import { ask, connect } from '../server.ts';
import type { World } from '../world.ts';
import { checkQuery } from './device-list.ts';

/** `outrider device export`: devices as CSV or NDJSON, as many as there are. */
export function deviceExportVerb(device: Command, world: World): void {
  withConnection(device.command('export'))
    .description('write devices as CSV or NDJSON; what it writes can be changed and imported again')
    .option('--where <query>', 'only those that a query describes (see `outrider device list --help`)', '')
    .addOption(new Option('--format <format>', 'a line each').choices(['csv', 'ndjson']).default('csv'))
    .option('--out <file>', 'write there, whole or not at all (default: standard output)')
    .action(async (flags: ExportFlags) => {
      checkQuery(flags.where);
      await exportDevices(world, flags);
    });
}

export interface ExportFlags extends ConnectionFlags {
  readonly where: string;
  readonly format: 'csv' | 'ndjson';
  readonly out?: string;
}

/** Writes the devices piece by piece; memory does not grow with their number. */
export async function exportDevices(world: World, flags: ExportFlags): Promise<void> {
  const query = { where: flags.where || undefined };
  const bar = progressBar(world, 'devices');
  const total = await totalOf(world, flags, query);
  const client = await connect(world, flags);
  const pieces = client.askPieces(withQuery(`${DEVICE_EXPORT_PATH}/${flags.format}`, query));
  try {
    if (flags.out === undefined) await writeAll(pieces, (piece) => world.writePiece(piece), { bar, total });
    else await writeFile(world, flags.out, (write) => writeAll(pieces, write, { bar, total }));
  } finally {
    bar.end();
  }
}

/** Asked only where somebody sees it. */
async function totalOf(world: World, flags: ExportFlags, query: Record<string, string | undefined>) {
  if (world.progress === undefined) return undefined;
  const { value } = await ask(world, flags, withQuery(DEVICE_COUNT_PATH, query));
  const devices = cellAt(value, 'devices');
  return typeof devices === 'number' && cellAt(value, 'isExact') === 'yes' ? devices : undefined;
}

async function writeAll(
  pieces: AsyncIterable<string>,
  write: (piece: string) => Promise<void>,
  { bar, total }: { readonly bar: ProgressBar; readonly total: number | undefined },
): Promise<void> {
  let lines = 0;
  for await (const piece of pieces) {
    await write(piece);
    lines += piece.split('\n').length - 1;
    bar.show(lines, total);
  }
}

/** Beside the place it is for, and moved there when it is whole. */
async function writeFile(
  world: World,
  name: string,
  work: (write: (piece: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const path = pathOf(world, name);
  const partial = `${path}.partial`;
  async function onDisk<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (cause) {
      throw fileFailure(cause, 'export', name, 'written');
    }
  }
  const handle = await onDisk(open(partial, 'w', EXPORT_MODE));
  try {
    try {
      await work((piece) => onDisk(handle.writeFile(piece)));
      await onDisk(handle.sync());
    } finally {
      await onDisk(handle.close());
    }
    await onDisk(rename(partial, path));
  } catch (cause) {
    await rm(partial, { force: true });
    throw cause;
  }
}

/** It names customers: for its owner alone until he says otherwise. */
const EXPORT_MODE = 0o600;
