// SPDX-License-Identifier: Apache-2.0
import { pipeline, Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';

/** One row of a CSV under its head, or a row that could not be read; `line` is that of the file, counted from 1. */
export type CsvRow =
  | { readonly kind: 'row'; readonly line: number; readonly cells: Readonly<Record<string, string>> }
  | { readonly kind: 'fault'; readonly line: number; readonly detail: string };

/** Longest row in characters: a quote that is never closed would otherwise gather the rest of the file. */
const ROW_CHARACTERS_MAX = 65_536;

/** Rows of a CSV (RFC 4180, UTF-8, with or without a byte order mark) as they stream in. The first row names the columns. */
export async function* csvRows(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<CsvRow> {
  const faults: CsvRow[] = [];
  const parser = parse({
    bom: true,
    info: true,
    trim: true,
    // Found out from the first line otherwise: a file of which half was edited on another system has both.
    record_delimiter: ['\r\n', '\n', '\r'],
    // A stray quote stays in its cell, where it is no value and its own line is refused, not the ones after it.
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: ROW_CHARACTERS_MAX,
    on_skip: (fault: CsvError | undefined) => {
      if (fault !== undefined)
        faults.push({ kind: 'fault', line: Number(fault.lines ?? 0), detail: sentenceOf(fault) });
    },
  });
  const source = Readable.from(chunks, { objectMode: false });
  // A fault of the source ends the parser, and with it this loop.
  pipeline(source, parser, () => {});
  let head: readonly string[] | undefined;
  for await (const { record, info } of parser as AsyncIterable<Parsed>) {
    yield* faults.splice(0);
    if (head === undefined) head = record;
    else yield rowOf(head, record, info.lines);
  }
  yield* faults;
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

function rowOf(head: readonly string[], record: readonly string[], line: number): CsvRow {
  if (record.length !== head.length) {
    const detail = `The row has ${record.length} cells, the head names ${head.length} columns; quote a cell that holds a comma`;
    return { kind: 'fault', line, detail };
  }
  return { kind: 'row', line, cells: Object.fromEntries(head.map((name, index) => [name, record[index] ?? ''])) };
}

/** Its message may repeat the whole row. */
const DETAIL_CHARACTERS_MAX = 160;

function sentenceOf(fault: CsvError): string {
  return `The row is no CSV: ${fault.message.split('\n', 1)[0]?.slice(0, DETAIL_CHARACTERS_MAX)}`;
}

/** One row as CSV with its line's end. What a spreadsheet would take for a formula is escaped by an apostrophe. */
export function csvLine(cells: readonly string[]): string {
  return stringify([[...cells]], { escape_formulas: true });
}
