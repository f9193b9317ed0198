// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { type DeviceRows, placeOf, ROW, ROW_BYTES, ROW_WORDS } from './device-rows.ts';
import { type HashKey, packedId, packId } from './id-hash.ts';
import { rowIndex } from './row-index.ts';

/** Rows by device id. The ids themselves stand in the rows, so that what a look compares is what it reads next. */
export interface IdTable {
  /** The row of a device, or `NO_ROW`. */
  get(deviceId: DeviceId): number;
  /** Of a device that has no row. */
  set(deviceId: DeviceId, row: number): void;
  /** Of a device that has one. */
  delete(deviceId: DeviceId): void;
  /** Whether no device has this row; sooner known than which one has it. */
  isFree(row: number): boolean;
  /** The device of a row; undefined: the row is free. */
  idAt(row: number): DeviceId | undefined;
  size(): number;
}

export const NO_ROW = -1;

export function idTable(rows: DeviceRows, hashKey: HashKey, pack = packId): IdTable {
  const packed = packedId();
  const index = rowIndex(isPackedAt);
  /** Ids that do not fit into a row, which few fleets have. */
  const long = new Map<DeviceId, number>();
  const longAt = new Map<number, DeviceId>();
  /** One message looks for its device several times in a row, and each look at a large table misses the processor's caches. */
  let lastId: DeviceId | undefined;
  let lastRow = NO_ROW;

  function isPackedAt(row: number): boolean {
    const { bytes, words } = rows.pageOf(row);
    const place = placeOf(row);
    const { length } = packed;
    if (bytes[place * ROW_BYTES + ROW.bytes.idLength] !== length) return false;
    const from = place * ROW_WORDS + ROW.words.id;
    for (let word = 0; word << 2 < length; word++) if (words[from + word] !== packed.words[word]) return false;
    return true;
  }

  /** Leaves the id packed, if it can be. */
  function find(deviceId: DeviceId): number {
    return pack(deviceId, hashKey, packed) ? index.find(packed.hash) : (long.get(deviceId) ?? NO_ROW);
  }

  return {
    get(deviceId) {
      if (lastId === deviceId) return lastRow;
      lastId = deviceId;
      lastRow = find(deviceId);
      return lastRow;
    },
    set(deviceId, row) {
      lastId = undefined;
      const { bytes, words } = rows.pageOf(row);
      const place = placeOf(row);
      if (!pack(deviceId, hashKey, packed)) {
        bytes[place * ROW_BYTES + ROW.bytes.idLength] = LONG;
        long.set(deviceId, row);
        longAt.set(row, deviceId);
        return;
      }
      bytes[place * ROW_BYTES + ROW.bytes.idLength] = packed.length;
      const from = place * ROW_WORDS + ROW.words.id;
      for (let word = 0; word << 2 < packed.length; word++) words[from + word] = packed.words[word] ?? 0;
      index.add(packed.hash, row);
    },
    delete(deviceId) {
      lastId = undefined;
      const row = find(deviceId);
      if (row === NO_ROW) return;
      const { bytes } = rows.pageOf(row);
      if (long.delete(deviceId)) longAt.delete(row);
      else index.remove(packed.hash, row);
      bytes[placeOf(row) * ROW_BYTES + ROW.bytes.idLength] = FREE;
    },
    isFree: (row) => rows.pageOf(row).bytes[placeOf(row) * ROW_BYTES + ROW.bytes.idLength] === FREE,
    idAt(row) {
      const { bytes, words } = rows.pageOf(row);
      const place = placeOf(row);
      const length = bytes[place * ROW_BYTES + ROW.bytes.idLength] ?? FREE;
      if (length === LONG) return longAt.get(row);
      if (length === FREE) return undefined;
      const from = place * ROW_WORDS + ROW.words.id;
      let id = '';
      for (let at = 0; at < length; at++) {
        id += String.fromCharCode(((words[from + (at >> 2)] ?? 0) >>> ((at & 3) << 3)) & 0x7f);
      }
      // What was written here was an id.
      return id as DeviceId;
    },
    size: () => index.size() + long.size,
  };
}

/** In the place of a length. No id is empty. */
const FREE = 0;
const LONG = 255;
