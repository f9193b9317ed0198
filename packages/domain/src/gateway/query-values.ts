// SPDX-License-Identifier: Apache-2.0
import { parseId } from '../kernel/ids.ts';
import {
  DAY_MS,
  type DurationMs,
  durationMs,
  type FleetInstant,
  fleetInstant,
  HOUR_MS,
  MINUTE_MS,
} from '../kernel/time.ts';
import { parseVersion } from '../release/version.ts';
import { REPORTED_STATES, type ReportedState } from './device-record.ts';
import type { QueryOrder, TextPattern } from './query.ts';

/** A value of a query as its field takes it; undefined when the text is none. */
export function patternOf(text: string): TextPattern | undefined {
  const isBeginning = text.endsWith('*');
  const bare = isBeginning ? text.slice(0, -1) : text;
  // Attribute values are parsed by the same pattern as ids, so nothing else can ever be found.
  if (!parseId('value', bare).ok) return undefined;
  return { kind: isBeginning ? 'beginning' : 'exactly', text: bare };
}

/** What `patternOf` takes. */
export const PATTERN_ALLOWED = 'a value of 1 to 128 of A-Z a-z 0-9 . _ : @ + -, or its beginning and a star';

/**
 * A version, missing parts read as zero where that can only mean one thing: below 2.0 and from 2.0 on are 2.0.0 in every
 * reading, equal to 2.0 or above 2.0 are not.
 */
export function versionOf(text: string, order: QueryOrder): string | undefined {
  if (parseVersion(text).ok) return text;
  if (order !== '<' && order !== '>=') return undefined;
  const parts = SHORT_VERSION.exec(text);
  const full = parts === null ? '' : `${parts[1]}.${parts[2] ?? '0'}.0`;
  return parseVersion(full).ok ? full : undefined;
}

/** What `versionOf` takes. */
export function versionAllowed(order: QueryOrder): string {
  return order === '<' || order === '>='
    ? 'a version such as 2.0.0, 2.0 or 2'
    : `a whole version such as 2.0.0 after ${order}; for all of 2.0 write: version >= 2.0 and version < 2.1`;
}

const SHORT_VERSION = /^(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?$/;

/** A whole number in the range where every number is exact. */
export function countOf(text: string): number | undefined {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

/** A duration such as `90m`, `36h`, `7d` or `1.5d`. */
export function durationOf(text: string): DurationMs | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([mhd])$/.exec(text);
  const unitMs = UNITS_MS.get(match?.[2] ?? '');
  return unitMs === undefined ? undefined : durationMs(Math.round(Number(match?.[1]) * unitMs));
}

/** What `durationOf` takes. */
export const DURATION_ALLOWED = 'a duration in minutes, hours or days such as 90m, 36h or 7d';

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['m', MINUTE_MS],
  ['h', HOUR_MS],
  ['d', DAY_MS],
]);

/** An instant of UTC: a date, or a date and a time with Z (RFC 3339, seconds may be left out). */
export function instantOf(text: string): FleetInstant | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?Z)?$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000;
  return ms < 0 ? undefined : fleetInstant(ms);
}

/** What `instantOf` takes. */
export const INSTANT_ALLOWED = 'a date or an instant of UTC such as 2026-11-21 or 2026-11-21T08:30Z, from 1970 on';

function daysOf(year: number, month: number): number {
  return month === 12 ? 31 : daysSince1970(year, month + 1, 1) - daysSince1970(year, month, 1);
}

/** Days of the civil calendar. Source: Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. */
function daysSince1970(year: number, month: number, day: number): number {
  const fromMarch = month <= 2 ? year - 1 : year;
  const era = Math.floor(fromMarch / 400);
  const yearOfEra = fromMarch - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** A state by its name. */
export function stateOf(text: string): ReportedState | undefined {
  // The keys of a record over the states are the states.
  return (Object.keys(REPORTED_STATES) as ReportedState[]).find((state) => state === text);
}
