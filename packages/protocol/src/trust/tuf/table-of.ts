// SPDX-License-Identifier: Apache-2.0
import { err, ok } from '@outrider/domain/kernel/result';
import { below, malformed, type Reader } from '../../kernel/reader.ts';

/** Reads an object whose names are free, as a map: a name such as `__proto__` is a name like any other. */
export function tableOf<T>(
  reader: Reader<T>,
  { countMin = 0, countMax }: { readonly countMin?: number; readonly countMax: number },
): Reader<ReadonlyMap<string, T>> {
  return (value) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const entries = isObject ? Object.entries(value) : [];
    if (!isObject || entries.length < countMin || entries.length > countMax) {
      return malformed(value, `an object of ${countMin} to ${countMax} members`);
    }
    const found = new Map<string, T>();
    for (const [name, member] of entries) {
      const read = reader(member);
      if (!read.ok) return err(below(`[${JSON.stringify(name.slice(0, NAME_SHOWN_MAX))}]`, read.error));
      found.set(name, read.value);
    }
    return ok(found);
  };
}

/** A name of an error's path is cut here: it comes from outside. */
const NAME_SHOWN_MAX = 40;
