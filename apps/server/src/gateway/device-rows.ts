// SPDX-License-Identifier: Apache-2.0
import { assert, present } from '@outrider/domain/kernel/assert';
import { PACKED_CHARACTERS_MAX } from './id-hash.ts';

/**
 * Room for what is kept of devices, a row each: all of one device side by side, since a message looks at most of it, and what is far
 * apart is waited for one by one. A row is a number that holds for as long as it is not given back.
 */
export interface DeviceRows {
  /** A free row, with whatever the last one left in it. */
  take(): number;
  giveBack(row: number): void;
  pageOf(row: number): RowPage;
  /** Rows below this number were taken at some time. */
  end(): number;
}

/** Many rows in one piece of memory, seen in four ways. */
export interface RowPage {
  readonly doubles: Float64Array;
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
  readonly bytes: Buffer;
}

export const KEY_BYTES = 32;

/** Where in a row everything stands, in units of the view that it is read through; what a check-in reads first comes first. */
export const ROW = {
  /** Instants and sequences: exact up to 2^53. */
  doubles: { sequence: 0, lastContactAt: 1, since: 2, registeredAt: 3 },
  /** Numbers of what many devices share; the id, packed. */
  words: { attributes: 8, running: 9, id: 12 },
  halves: { slots: 20 },
  /** The key: its raw bytes, and the digest that names it. */
  bytes: { state: 42, flags: 43, idLength: 44, key: 88 },
} as const;

export const ROW_BYTES = ROW.bytes.key + 2 * KEY_BYTES;
export const ROW_DOUBLES = ROW_BYTES / 8;
export const ROW_WORDS = ROW_BYTES / 4;
export const ROW_HALVES = ROW_BYTES / 2;

assert(Number.isInteger(ROW_DOUBLES), 'rows that doubles can be read from');
assert(ROW.words.id * 4 + PACKED_CHARACTERS_MAX === ROW.bytes.key, 'room for an id before the key');

/** Rows of a page: memory grows by a megabyte at a time, and no large array is ever copied. */
const PAGE_BITS = 13;
const PAGE_ROWS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ROWS - 1;

export function deviceRows(): DeviceRows {
  const pages: RowPage[] = [];
  const free: number[] = [];
  let end = 0;
  return {
    take() {
      const freed = free.pop();
      if (freed !== undefined) return freed;
      if ((end & PAGE_MASK) === 0) pages.push(newPage());
      return end++;
    },
    giveBack: (row) => void free.push(row),
    pageOf: (row) => present(pages[row >>> PAGE_BITS], 'the page of a row'),
    end: () => end,
  };
}

function newPage(): RowPage {
  const memory = new ArrayBuffer(PAGE_ROWS * ROW_BYTES);
  return {
    doubles: new Float64Array(memory),
    words: new Uint32Array(memory),
    halves: new Uint16Array(memory),
    bytes: Buffer.from(memory),
  };
}

/** The place of a row in its page. */
export function placeOf(row: number): number {
  return row & PAGE_MASK;
}
