// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';

/**
 * Rows by 32-bit hashes: open addressing in typed arrays, which a look touches in one place, as a `Map` of texts does not. In many
 * small tables that grow by themselves: one that grows is copied, and a large copy would be felt by all who wait.
 */
export interface RowIndex {
  /** The row of this hash that `isAsked` says yes to, or -1. */
  find(hash: number): number;
  /** One that is not in it. */
  add(hash: number, row: number): void;
  /** One that is in it. */
  remove(hash: number, row: number): void;
  size(): number;
}

/** `isAsked` tells whether a row whose hash fits is the one that is looked for. */
export function rowIndex(isAsked: (row: number) => boolean): RowIndex {
  const shards = Array.from({ length: SHARDS }, () => new Uint32Array(2 * ENTRIES_MIN));
  const counts = new Uint32Array(SHARDS);
  let count = 0;

  /** Its words: the hash, and the row with one added, so that zero is nobody. */
  function shardOf(hash: number): Uint32Array {
    return shards[hash >>> SHARD_SHIFT] as Uint32Array;
  }

  function grow(shardNumber: number): void {
    const former = shards[shardNumber] as Uint32Array;
    const larger = new Uint32Array(2 * former.length);
    for (let at = 0; at < former.length; at += 2) {
      const stored = former[at + 1] as number;
      if (stored !== 0) place(larger, former[at] as number, stored);
    }
    shards[shardNumber] = larger;
  }

  return {
    find(hash) {
      const shard = shardOf(hash);
      const mask = shard.length - 1;
      for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
        const stored = shard[at + 1] as number;
        if (stored === 0) return -1;
        if (shard[at] === hash && isAsked(stored - 1)) return stored - 1;
      }
    },
    add(hash, row) {
      const shardNumber = hash >>> SHARD_SHIFT;
      const own = (counts[shardNumber] as number) + 1;
      counts[shardNumber] = own;
      count++;
      // Three quarters full at most: then a look for what is there passes by one or two others.
      if (own * 8 > shardOf(hash).length * 3) grow(shardNumber);
      place(shardOf(hash), hash, row + 1);
    },
    remove(hash, row) {
      const shard = shardOf(hash);
      const mask = shard.length - 1;
      let hole = (hash << 1) & mask;
      while (shard[hole + 1] !== row + 1) {
        assert(shard[hole + 1] !== 0, 'a row that is in the index');
        hole = (hole + 2) & mask;
      }
      // What stands behind moves up into the hole, unless its own place lies behind the hole: no look ends too soon.
      for (let at = (hole + 2) & mask; shard[at + 1] !== 0; at = (at + 2) & mask) {
        const home = ((shard[at] as number) << 1) & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        shard[hole] = shard[at] as number;
        shard[hole + 1] = shard[at + 1] as number;
        hole = at;
      }
      shard[hole + 1] = 0;
      counts[hash >>> SHARD_SHIFT] = (counts[hash >>> SHARD_SHIFT] as number) - 1;
      count--;
    },
    size: () => count,
  };
}

function place(shard: Uint32Array, hash: number, stored: number): void {
  const mask = shard.length - 1;
  let at = (hash << 1) & mask;
  while (shard[at + 1] !== 0) at = (at + 2) & mask;
  shard[at] = hash;
  shard[at + 1] = stored;
}

/** By the upper bits of the hash; the lower ones say where in the table. Of a million devices each has some thousands, copied in 0.1 ms. */
const SHARDS = 256;
const SHARD_SHIFT = 24;
const ENTRIES_MIN = 16;
