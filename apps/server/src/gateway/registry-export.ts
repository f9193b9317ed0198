// SPDX-License-Identifier: Apache-2.0
import { csvLine } from '@outrider/adapters/shared/device-csv';
import type { DeviceFinder, FoundDevice } from '@outrider/domain/gateway/finder-ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { DEVICE_COLUMNS, deviceCells, encodeDeviceLine } from '@outrider/protocol/gateway/device-import';

/** How devices are written as text, one a line. */
export type DeviceFormat = 'csv' | 'ndjson';

/** Devices of one piece: some hundred kilobytes, so that whoever reads slowly holds no more than a few of them here. */
const PIECE_DEVICES = 1_000;

/**
 * The devices as text, ascending by id, a page at a time: memory does not grow with the fleet. A device that changes
 * meanwhile is written as it is when its page is read. `onEnd` is called once, also when the reader goes away.
 */
export function deviceLines(
  finder: DeviceFinder,
  { onEnd, ...asked }: Asked & { readonly onEnd: () => void },
): AsyncIterable<string> {
  let isEnded = false;
  function end(): void {
    if (!isEnded) onEnd();
    isEnded = true;
  }
  const pieces = piecesOf(finder, asked, end);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next(),
      async return() {
        // A generator that has not begun runs none of its code when it is ended: its reader went before the first piece.
        end();
        return await pieces.return(undefined);
      },
    }),
  };
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
  onEnd: () => void,
): AsyncGenerator<string, undefined, undefined> {
  try {
    if (format === 'csv') yield csvLine(DEVICE_COLUMNS);
    let after: DeviceId | undefined;
    for (;;) {
      const page = { limit: PIECE_DEVICES, now, ...(after === undefined ? {} : { after }) };
      const found = await finder.findDevices(query, page);
      if (found.length > 0) yield found.map((one) => lineOf(one, format)).join('');
      after = found.at(-1)?.record.deviceId;
      if (found.length < PIECE_DEVICES) return undefined;
    }
  } finally {
    onEnd();
  }
}

function lineOf(found: FoundDevice, format: DeviceFormat): string {
  return format === 'csv' ? csvLine(deviceCells(found)) : `${encodeDeviceLine(found)}\n`;
}
