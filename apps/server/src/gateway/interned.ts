// SPDX-License-Identifier: Apache-2.0
import { present } from '@outrider/domain/kernel/assert';

/** Values that many devices share, kept once under a small number and let go with the last device that has them. */
export interface Interned<T> {
  /** The number of an equal value, which has one more holder from now on. */
  take(value: T): number;
  /** One holder less; the number is free for another value after the last. */
  release(index: number): void;
  at(index: number): T;
  size(): number;
}

/** `keyOf` gives equal texts for equal values, and for no others; `keptAs` an equal value that is kept in the place of the first one. */
export function interned<T extends object>(
  keyOf: (value: T) => string,
  keptAs: (value: T) => T = (value) => value,
): Interned<T> {
  const indexes = new Map<string, number>();
  const values: (T | undefined)[] = [];
  const keys: string[] = [];
  const holders: number[] = [];
  const free: number[] = [];
  /** What was taken from here is found again without its text. */
  const known = new WeakMap<T, number>();

  function indexOf(value: T): number {
    const remembered = known.get(value);
    if (remembered !== undefined && values[remembered] === value) return remembered;
    const key = keyOf(value);
    const found = indexes.get(key);
    if (found !== undefined) return found;
    const index = free.pop() ?? values.length;
    indexes.set(key, index);
    const kept = keptAs(value);
    values[index] = kept;
    keys[index] = key;
    holders[index] = 0;
    known.set(kept, index);
    return index;
  }

  return {
    take(value) {
      const index = indexOf(value);
      holders[index] = (holders[index] ?? 0) + 1;
      return index;
    },
    release(index) {
      const left = (holders[index] ?? 0) - 1;
      holders[index] = left;
      if (left > 0) return;
      indexes.delete(keys[index] ?? '');
      values[index] = undefined;
      free.push(index);
    },
    at: (index) => present(values[index], 'a value that a device holds'),
    size: () => indexes.size,
  };
}
