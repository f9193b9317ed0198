// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { csvLine } from '@outrider/adapters/shared/device-csv';
import type { DeviceFinder, FoundDevice } from '@outrider/domain/gateway/finder-ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { DEVICE_COLUMNS, deviceCells, encodeDeviceLine } from '@outrider/protocol/gateway/device-import';
import type { Cancel, Schedule } from '../ports.ts';
import type { Turns } from './turns.ts';

/** How devices are written as text, one a line. */
export type DeviceFormat = 'csv' | 'ndjson';

/** Devices of one piece: some hundred kilobytes, so that whoever reads slowly holds no more than a few of them here. */
const PIECE_DEVICES = 1_000;

/** How long a reader may take for one piece: five kilobytes a second are enough, and whoever reads nothing is let go of. */
export const PIECE_MS_MAX = MINUTE_MS;

/** The reader took nothing for too long. */
export class ExportStalledError extends Error {
  override readonly name = 'ExportStalledError';
  readonly code = 'export-stalled';
}

/**
 * The devices as text, ascending by id, a page at a time: memory does not grow with the fleet. A device that changes
 * meanwhile is written as it is when its page is read. Only while a page is read it holds a place of `pages`; a reader that
 * leaves a piece lying for `PIECE_MS_MAX` is broken off with ExportStalledError. `onEnd` is called once, also when the
 * reader goes away.
 */
export function deviceLines(finder: DeviceFinder, { onEnd, pages, schedule, ...asked }: Asked & Around): Readable {
  let cancel: Cancel = () => {};
  /** From when a piece is there until the next is asked for. */
  async function* watched(): AsyncGenerator<string, undefined, undefined> {
    for await (const piece of piecesOf(finder, asked, pages)) {
      cancel = schedule.after(PIECE_MS_MAX, breakOff);
      yield piece;
      cancel();
    }
    return undefined;
  }
  const lines = Readable.from(watched());
  function breakOff(): void {
    lines.destroy(new ExportStalledError('Nothing was read of an export for a minute'));
  }
  return lines.once('close', () => {
    cancel();
    onEnd();
  });
}

/** What an export shares with others. */
interface Around {
  readonly pages: Turns;
  readonly schedule: Schedule;
  readonly onEnd: () => void;
}

/** What is written out. */
interface Asked {
  readonly query: DeviceQuery;
  readonly format: DeviceFormat;
  readonly now: FleetInstant;
}

async function* piecesOf(
  finder: DeviceFinder,
  { query, format, now }: Asked,
  pages: Turns,
): AsyncGenerator<string, undefined, undefined> {
  if (format === 'csv') yield csvLine(DEVICE_COLUMNS);
  let after: DeviceId | undefined;
  for (;;) {
    const page = { limit: PIECE_DEVICES, now, ...(after === undefined ? {} : { after }) };
    const found = await pages.take(() => finder.findDevices(query, page));
    if (found.length > 0) yield found.map((one) => lineOf(one, format)).join('');
    after = found.at(-1)?.record.deviceId;
    if (found.length < PIECE_DEVICES) return undefined;
  }
}

function lineOf(found: FoundDevice, format: DeviceFormat): string {
  return format === 'csv' ? csvLine(deviceCells(found)) : `${encodeDeviceLine(found)}\n`;
}
