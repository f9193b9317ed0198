// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import type { Row } from './pool.ts';

/** A column that holds text, or JSON as text. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === 'string', `text in the column ${column}, got ${typeof value}`);
  return value;
}

/** A column that holds a whole number. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  assert(typeof value === 'number', `a number in the column ${column}, got ${typeof value}`);
  return value;
}

/** A column that a digest was written into. What a person with other tools may have put there differs from every digest. */
export function sha256Of(row: Row, column: string): Sha256 {
  // Only ever compared with digests that were computed here, never believed.
  return textOf(row, column) as Sha256;
}

/** The document of each row, read by `parse`: what was checked before it was written is checked again when it comes back. */
export function documentsOf<T>(rows: readonly Row[], parse: (text: string) => Result<T, ParseError>): readonly T[] {
  return rows.map((row) => wellFormed(parse(textOf(row, 'document'))));
}

/** A value that this program wrote, or is about to write, and that its own reader must take. */
export function wellFormed<T>(parsed: Result<T, ParseError>): T {
  assert(parsed.ok, `a stored document in its own format: ${parsed.ok ? '' : describeParseError(parsed.error)}`);
  return parsed.value;
}
