// SPDX-License-Identifier: Apache-2.0
import type { DeviceImport } from '@outrider/domain/gateway/device-import';
import type { Result } from '@outrider/domain/kernel/result';
import { parseDeviceCells, parseDeviceLine } from '@outrider/protocol/gateway/device-import';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { csvRows } from './device-csv.ts';

/** One line of a file of devices: what it says, or why it says nothing. */
export type DeviceRow =
  | { readonly kind: 'device'; readonly line: number; readonly device: DeviceImport }
  | { readonly kind: 'fault'; readonly line: number; readonly detail: string };

/** Longest line of NDJSON in characters: what comes without an end is cut off here, and fills no memory. */
const LINE_CHARACTERS_MAX = 65_536;

/** Devices as they stream in, line by line, with the lines that are none. */
export function deviceRows(
  chunks: AsyncIterable<Uint8Array | string>,
  format: 'csv' | 'ndjson',
): AsyncGenerator<DeviceRow> {
  return format === 'csv' ? fromCsv(chunks) : fromLines(chunks);
}

async function* fromCsv(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<DeviceRow> {
  for await (const row of csvRows(chunks)) {
    yield row.kind === 'fault' ? row : deviceRowOf(row.line, parseDeviceCells(row.cells));
  }
}

async function* fromLines(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<DeviceRow> {
  let line = 0;
  for await (const text of linesOf(chunks)) {
    line++;
    if (text.length > LINE_CHARACTERS_MAX) {
      yield {
        kind: 'fault',
        line,
        detail: `The line is longer than ${LINE_CHARACTERS_MAX} characters, the most there may be`,
      };
    } else if (text.trim() !== '') yield deviceRowOf(line, parseDeviceLine(text));
  }
}

function deviceRowOf(line: number, parsed: Result<DeviceImport, ParseError>): DeviceRow {
  if (parsed.ok) return { kind: 'device', line, device: parsed.value };
  return { kind: 'fault', line, detail: describeParseError(parsed.error) };
}

/** Lines without their ends; of a line that is too long only one character more than may be is kept. */
async function* linesOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const pieces = (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })).split('\n');
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        yield rest.replace(/\r$/, '');
        rest = '';
      }
      rest = `${rest}${piece}`.slice(0, LINE_CHARACTERS_MAX + 1);
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
