// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { type CsvRow, csvLine, csvRows } from './device-csv.ts';

async function rowsOf(...chunks: readonly string[]): Promise<readonly CsvRow[]> {
  async function* source() {
    yield* chunks;
  }
  return (await Array.fromAsync(csvRows(source()))).sort((a, b) => a.line - b.line);
}

function cellsOf(rows: readonly CsvRow[]): readonly unknown[] {
  return rows.map((row) => (row.kind === 'row' ? row.cells : row.line));
}

describe('a CSV of devices', () => {
  test('is read with a byte order mark, quotes, any line ends and empty lines', async () => {
    const rows = await rowsOf('\ufeffdeviceId,tags\r\na,"x, y"\n', '\nb,"say ""no"""\r', 'c,\n');
    assert.deepEqual(cellsOf(rows), [
      { deviceId: 'a', tags: 'x, y' },
      { deviceId: 'b', tags: 'say "no"' },
      { deviceId: 'c', tags: '' },
    ]);
  });

  test('a row with too few or too many cells is named by its line, and the rows around it are read', async () => {
    const rows = await rowsOf('deviceId,tags\na,x\nb\nc,x,y\nd,x\n');
    assert.deepEqual(cellsOf(rows), [{ deviceId: 'a', tags: 'x' }, 3, 4, { deviceId: 'd', tags: 'x' }]);
  });

  test('a stray quote inside a cell harms its own row alone', async () => {
    const rows = await rowsOf('deviceId,tags\na,x\nc"d,e\nd,x\n');
    assert.deepEqual(cellsOf(rows), [
      { deviceId: 'a', tags: 'x' },
      { deviceId: 'c"d', tags: 'e' },
      { deviceId: 'd', tags: 'x' },
    ]);
  });

  test('a quote that is never closed, and a row without an end, are faults and fill no memory', async () => {
    const open = await rowsOf('deviceId,tags\na,x\n"never,x\nb,x\n');
    assert.equal(open.length, 2);
    assert.equal(open[1]?.kind, 'fault');
    const long = await rowsOf(
      'deviceId,tags\na,x\n',
      ...Array.from({ length: 20 }, () => 'x'.repeat(10_000)),
      ',y\nb,x\n',
    );
    assert.ok(long.some((row) => row.kind === 'fault' && row.detail.length < 200));
  });

  test('an empty file has no rows', async () => {
    assert.deepEqual(await rowsOf(''), []);
    assert.deepEqual(await rowsOf('deviceId,tags\n'), []);
  });

  test('no cell is a formula to a spreadsheet', () => {
    assert.equal(csvLine(['=1+1', '+x', '-1', '@x', 'ok', 'a,b']), `'=1+1,'+x,'-1,'@x,ok,"a,b"\n`);
  });

  test('what is written is read again, whatever stands in it', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', ' b', 'ä'), minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cell, cell, async (first, second) => {
        const [row] = await rowsOf('one,two\n', csvLine([first.trim() || 'x', second.trim() || 'x']));
        assert.deepEqual(row?.kind === 'row' && row.cells, { one: first.trim() || 'x', two: second.trim() || 'x' });
      }),
      propertyOptions({ runs: 60 }),
    );
  });
});
