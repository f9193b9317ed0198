// SPDX-License-Identifier: Apache-2.0
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { assert } from '@outrider/domain/kernel/assert';
import { readArchive } from './archive.ts';
import type { BackupManifest } from './manifest.ts';
import { readPartName, TABLE_PART_BYTES } from './parts.ts';

/** A row of a backup: its columns by name, in PostgreSQL's own text form; null where the column is. */
export type BackupRow = ReadonlyMap<string, string | null>;

/**
 * The rows of some tables of a verified backup, in the order of the archive, without a database. Throws BackupError when the
 * file cannot be read any more.
 */
export async function* readRows(
  path: string,
  manifest: BackupManifest,
  tables: ReadonlySet<string>,
): AsyncGenerator<{ readonly table: string; readonly row: BackupRow }> {
  const columns = new Map(manifest.tables.map((one) => [one.name, one.columns]));
  let [open, kept]: [string | undefined, Buffer] = [undefined, EMPTY];
  for await (const part of readArchive(path)) {
    const name = readPartName(part.name);
    if (name?.kind !== 'table' || !tables.has(name.table)) continue;
    assert(open === name.table || kept.length === 0, 'a table whose last row has ended before the next one begins');
    open = name.table;
    const compressed: Uint8Array[] = [];
    for await (const chunk of part.chunks) compressed.push(chunk);
    const block = await decompress(Buffer.concat(compressed), { maxOutputLength: TABLE_PART_BYTES });
    // A row may lie in several parts: what is left of one is the beginning of the next.
    const bytes = Buffer.concat([kept, block]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    kept = bytes.subarray(end);
    for (const line of linesOf(bytes.subarray(0, end))) {
      yield { table: name.table, row: rowOf(line, columns.get(name.table) ?? []) };
    }
  }
  assert(kept.length === 0, 'a table whose last row has ended');
}

const decompress = promisify(zstdDecompress);

const EMPTY = Buffer.alloc(0);
/** Rows end with it, and COPY writes one inside of a value as `\n`: PostgreSQL's documentation of COPY, "Text Format". */
const NEWLINE = 0x0a;

function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start);
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

function rowOf(line: string, columns: readonly string[]): BackupRow {
  const fields = line.split('\t');
  assert(fields.length === columns.length, `${columns.length} columns in a row of a backup, got ${fields.length}`);
  return new Map(columns.map((name, index) => [name, fieldOf(fields[index] ?? '')]));
}

function fieldOf(field: string): string | null {
  if (field === '\\N') return null;
  return field.replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES.get(letter) ?? letter);
}

/** What COPY puts behind a backslash; any other character stands for itself. */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);
