// SPDX-License-Identifier: Apache-2.0
import { type DeviceRow, deviceRows } from '@outrider/adapters/shared/device-rows';
import type { AppliedImport, DeviceImportCode } from '@outrider/domain/gateway/device-import';
import type { DeviceImporter } from '@outrider/domain/gateway/finder-ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { Reach } from '@outrider/domain/trust/reach';
import { type CommandError, refuse } from '../errors.ts';
import type { Schedule } from '../ports.ts';
import { underRequest } from '../trust/changed-by.ts';
import { BodyTooSlow, pacedBody } from './paced-body.ts';
import type { DeviceFormat } from './registry-export.ts';

/** Lines of devices to take in. */
export interface ImportRequest {
  readonly body: AsyncIterable<Uint8Array>;
  readonly format: DeviceFormat;
  readonly author: string;
  /** True: says what would happen, and changes nothing. */
  readonly isDryRun: boolean;
  /** How far the author reaches. Absent: everywhere. */
  readonly reach?: Reach;
}

/** What became of the lines. */
export interface ImportReceipt {
  readonly isDryRun: boolean;
  /** Lines with something in them, the head of a CSV left out. */
  readonly lines: number;
  readonly announced: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly refused: number;
  /** The first of those refused, at most `FAULTS_MAX`. */
  readonly faults: readonly ImportFault[];
}

/** A line that was refused, and why. */
export interface ImportFault {
  readonly line: number;
  readonly deviceId?: DeviceId;
  readonly code: DeviceImportCode;
  readonly detail: string;
}

/** Devices of one transaction: all of a batch are taken in, or none. */
const BATCH_DEVICES = 500;

/** Lines of one request: half a minute. A larger file is sent in several, as the command line does. */
export const IMPORT_LINES_MAX = 100_000;

/** Bytes of one request: a line has some two hundred, and has 640 here. */
export const IMPORT_BYTES_MAX = 64 * 1_048_576;

/** Faults that are listed; all are counted. */
export const FAULTS_MAX = 1_000;

/**
 * Takes the lines in, batch by batch as they stream. What ends early leaves whole batches: the same lines sent again
 * change nothing that was taken in already, and go on. Codes: body-malformed, body-too-large, body-too-slow.
 */
export async function importDevices(
  importer: DeviceImporter,
  request: ImportRequest,
  { fleetClock, schedule }: { readonly fleetClock: FleetClock; readonly schedule: Schedule },
): Promise<Result<ImportReceipt, CommandError>> {
  const tally: Tally = { lines: 0, announced: 0, updated: 0, unchanged: 0, refused: 0, faults: [] };
  const body = pacedBody(request.body, schedule);
  let batch: DeviceRow[] = [];

  async function takeIn(): Promise<void> {
    const devices = batch.flatMap((row) => (row.kind === 'device' ? [row] : []));
    const context = {
      now: fleetClock.now(),
      author: request.author,
      isDryRun: request.isDryRun,
      request: underRequest(),
      ...(request.reach === undefined ? {} : { reach: request.reach }),
    };
    const lines = devices.map((row) => row.device);
    const decided = lines.length === 0 ? [] : await importer.importDevices(lines, context);
    for (const [index, { line, device }] of devices.entries()) {
      const one = decided[index];
      if (one?.ok === true) tally[one.value.kind]++;
      else if (one !== undefined) addFault(tally, { line, deviceId: device.deviceId, ...one.error });
    }
    for (const row of batch) {
      if (row.kind === 'fault') addFault(tally, { line: row.line, code: 'line-malformed', detail: row.detail });
    }
    batch = [];
    body.excuse();
  }

  try {
    for await (const row of deviceRows(limited(body), request.format)) {
      tally.lines++;
      if (tally.lines > IMPORT_LINES_MAX) return await tooLarge(`${IMPORT_LINES_MAX} lines`, takeIn);
      batch.push(row);
      if (batch.length === BATCH_DEVICES) await takeIn();
    }
  } catch (cause) {
    if (cause instanceof BodyTooSlow) return await tooSlow(cause, takeIn);
    if (!(cause instanceof BodyTooLarge)) throw cause;
    return await tooLarge(`${IMPORT_BYTES_MAX} bytes`, takeIn);
  }
  await takeIn();
  tally.faults.sort((a, b) => a.line - b.line);
  return ok({ isDryRun: request.isDryRun, ...tally });
}

type Tally = { -readonly [Name in Exclude<keyof ImportReceipt, 'isDryRun' | 'faults'>]: number } & {
  readonly faults: ImportFault[];
} & Record<AppliedImport['kind'], number>;

function addFault(tally: Tally, fault: ImportFault): void {
  tally.refused++;
  if (tally.faults.length < FAULTS_MAX) tally.faults.push(fault);
}

async function tooLarge(allowed: string, takeIn: () => Promise<void>): Promise<Result<never, CommandError>> {
  await takeIn();
  const detail = `The lines are more than ${allowed}, the most of one request; those before were taken in, send all again in several`;
  return refuse('body-too-large', detail);
}

async function tooSlow({ message }: BodyTooSlow, takeIn: () => Promise<void>): Promise<Result<never, CommandError>> {
  await takeIn();
  return refuse('body-too-slow', `${message}; the whole lines that came were taken in, send all again`);
}

class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

async function* limited(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > IMPORT_BYTES_MAX) throw new BodyTooLarge();
    yield chunk;
  }
}
