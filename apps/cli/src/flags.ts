// SPDX-License-Identifier: Apache-2.0
import { label } from '@outrider/protocol/kernel/values';
import { InvalidArgumentError } from 'commander';

/** Takes a flag several times: `--key a.json --key b.json`. */
export function repeated(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** A label that may be given several times. */
export function repeatedLabel(value: string, before: readonly string[] | undefined): readonly string[] {
  return repeated(parseLabel(value), before);
}

/** A whole number of one or more. */
export function parseCount(value: string): number {
  return wholeIn(value, 1, Number.MAX_SAFE_INTEGER);
}

/** A whole number of zero or more. */
export function parseWhole(value: string): number {
  return wholeIn(value, 0, Number.MAX_SAFE_INTEGER);
}

/** A TCP port; 0 lets the system choose. */
export function parsePort(value: string): number {
  return wholeIn(value, 0, 65_535);
}

/** An instant of ISO 8601 with its zone; gives milliseconds. */
export function parseInstant(value: string): number {
  const ms = Date.parse(value);
  if (/T.*(Z|[+-]\d{2}:\d{2})$/.test(value) && Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new InvalidArgumentError('allowed is an instant such as 2026-12-18T16:00:00Z');
}

/** A name or an id: what is safe in paths, URLs and logs without escaping. */
export function parseLabel(value: string): string {
  const parsed = label(value);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(
    `allowed are 1 to 128 ASCII letters, digits and . _ : @ + -, beginning with a letter or digit`,
  );
}

const HOURS = /^(\d+(?:\.\d+)?)h$/;

/** A time in hours, for example `1h` or `12h`; gives milliseconds. */
export function parseHours(value: string): number {
  const hours = Number(HOURS.exec(value)?.[1] ?? Number.NaN);
  if (Number.isFinite(hours)) return Math.round(hours * 3_600_000);
  throw new InvalidArgumentError('allowed is a number of hours such as 1h or 1.5h');
}

function wholeIn(value: string, min: number, max: number): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= min && count <= max) return count;
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  throw new InvalidArgumentError(`allowed is a whole number, ${range}`);
}
