// SPDX-License-Identifier: Apache-2.0

/** What part of a blob a GET asks for, after RFC 9110 §14. */
export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const ONE_RANGE = /^bytes=[\t ]*(\d{0,15})-(\d{0,15})[\t ]*$/;

/**
 * Reads a `Range` field for a blob of `sizeBytes`. A field that is malformed, of another unit or of several ranges is
 * left alone, as §14.2 allows: the whole blob is a right answer to it.
 */
export function readRange(field: string | undefined, sizeBytes: number): RangeAnswer {
  const match = field === undefined ? null : ONE_RANGE.exec(field);
  if (match === null) return { kind: 'whole' };
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? { kind: 'whole' } : suffix(Number(last), sizeBytes);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  if (start >= sizeBytes) return { kind: 'unsatisfiable' };
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return { kind: 'part', start, end };
}

/** The last `countBytes` of the blob (§14.1.2); more than there are is the whole of it, none cannot be satisfied. */
function suffix(countBytes: number, sizeBytes: number): RangeAnswer {
  if (countBytes === 0 || sizeBytes === 0) return { kind: 'unsatisfiable' };
  return { kind: 'part', start: Math.max(0, sizeBytes - countBytes), end: sizeBytes - 1 };
}

/** Whether an `If-None-Match` field names this entity tag: weak comparison, `*` matches all (RFC 9110 §13.1.2). */
export function namesTag(field: string, tag: string): boolean {
  if (field.trim() === '*') return true;
  return field.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}
