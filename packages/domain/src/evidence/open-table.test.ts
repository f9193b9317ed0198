// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { closedTable, openRow, openTable } from './open-table.ts';

interface Row {
  readonly key: string;
  readonly count: number;
}

const keyOf = (row: Row): string => row.key;
const round = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 6 });

test('rows counted over many rounds are those of one round, in the order of their keys, and no round changes another', () => {
  fc.assert(
    fc.property(fc.array(round, { maxLength: 8 }), (rounds) => {
      let rows: readonly Row[] = [];
      const seen: { readonly rows: readonly Row[]; readonly text: string }[] = [];
      for (const keys of rounds) {
        rows = counted(rows, keys);
        seen.push({ rows, text: JSON.stringify(rows) });
      }
      for (const one of seen) assert.equal(JSON.stringify(one.rows), one.text);
      assert.deepEqual(rows, counted([], rounds.flat()));
      assert.deepEqual(rows.map(keyOf), rows.map(keyOf).sort());
    }),
    propertyOptions({ runs: 300 }),
  );
});

test('rows that nobody asked for are the very ones of before, and rows of a store in any order are put in order', () => {
  const first = counted([], ['b', 'a']);
  const next = counted(first, ['a']);
  assert.equal(next[1], first[1]);
  assert.equal(closedTable(openTable(first, keyOf)), first);
  assert.deepEqual(counted([...first].reverse(), ['b']).map(keyOf), ['a', 'b']);
});

function counted(before: readonly Row[], keys: readonly string[]): readonly Row[] {
  const table = openTable(before, keyOf);
  for (const key of keys) openRow(table, { key, count: 0 }).count += 1;
  return closedTable(table);
}
