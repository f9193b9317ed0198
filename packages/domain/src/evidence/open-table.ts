// SPDX-License-Identifier: Apache-2.0

/** A row while counts are added to it. */
export type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** Rows with keys of their own, while some of them are counted: a row is copied when it is first asked for. */
export interface OpenTable<T> {
  readonly before: readonly T[];
  readonly keyOf: (row: T) => string;
  rows: (T | Open<T>)[] | undefined;
  /** Position of each key; shared with the table before until a key comes that it did not have. */
  positions: Map<string, number>;
  readonly opened: Map<string, Open<T>>;
  hasNewKeys: boolean;
}

/** Opens rows that were closed by `closedTable`, or come from a store in any order. */
export function openTable<T extends object>(before: readonly T[], keyOf: (row: T) => string): OpenTable<T> {
  const positions = positionsOf.get(before) ?? new Map(before.map((row, index) => [keyOf(row), index]));
  return { before, keyOf, rows: undefined, positions, opened: new Map(), hasNewKeys: false };
}

/** The row with the key of this one, open: the one that is there, or this one. */
export function openRow<T extends object>(table: OpenTable<T>, zero: Open<T>): Open<T> {
  const key = table.keyOf(zero);
  const known = table.opened.get(key);
  if (known !== undefined) return known;
  table.rows ??= [...table.before];
  const position = table.positions.get(key);
  const row = position === undefined ? zero : { ...(table.rows[position] ?? zero) };
  if (position === undefined) {
    if (!table.hasNewKeys) table.positions = new Map(table.positions);
    table.hasNewKeys = true;
    table.positions.set(key, table.rows.length);
    table.rows.push(row);
  } else table.rows[position] = row;
  table.opened.set(key, row);
  return row;
}

/** The rows in the order of their keys, so that equal counts are equal text; untouched ones are the rows of before. */
export function closedTable<T extends object>({
  before,
  rows,
  keyOf,
  positions,
  hasNewKeys,
}: OpenTable<T>): readonly T[] {
  if (rows === undefined && positionsOf.has(before)) return before;
  const isSorted = !hasNewKeys && positionsOf.has(before);
  const closed = rows ?? [...before];
  if (isSorted) {
    positionsOf.set(closed, positions);
    return closed;
  }
  const keyed = closed.map((row) => [keyOf(row), row] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const sorted = keyed.map(([, row]) => row);
  positionsOf.set(sorted, new Map(keyed.map(([key], index) => [key, index])));
  return sorted;
}

/** Where the keys of rows stand that were closed here: they are in order, and nobody changes them any more. */
const positionsOf = new WeakMap<readonly object[], Map<string, number>>();
