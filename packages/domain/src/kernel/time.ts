// SPDX-License-Identifier: Apache-2.0
import { assert } from './assert.ts';
import type { Brand } from './brand.ts';

/**
 * Fleet time, in milliseconds since 1970: polls, maintenance and outcome windows, bake times, permits. The wall clock
 * in production; stepped on a grid in the simulator and the demonstration.
 */
export type FleetInstant = Brand<number, 'FleetInstant'>;

/** Machine time, in milliseconds from an arbitrary start: time-outs, leases, retries. Always monotonic, never scaled. */
export type MachineInstant = Brand<number, 'MachineInstant'>;

/** A length of time in milliseconds, zero or more. */
export type DurationMs = Brand<number, 'DurationMs'>;

/** One minute in milliseconds. */
export const MINUTE_MS = 60_000 as DurationMs;
/** One hour in milliseconds. */
export const HOUR_MS = 3_600_000 as DurationMs;
/** One day of 24 hours in milliseconds. */
export const DAY_MS = 86_400_000 as DurationMs;

// Clocks are read some times for each request: the sentences below are written only when somebody reads them.

/** Makes a fleet instant from whole milliseconds since 1970. */
export function fleetInstant(ms: number): FleetInstant {
  if (!(Number.isSafeInteger(ms) && ms >= 0)) assert(false, `a fleet instant in whole milliseconds, got ${ms}`);
  return ms as FleetInstant;
}

/** Makes a machine instant from milliseconds of a monotonic clock. */
export function machineInstant(ms: number): MachineInstant {
  if (!Number.isFinite(ms)) assert(false, `a machine instant in milliseconds, got ${ms}`);
  return ms as MachineInstant;
}

/** Makes a duration from milliseconds. */
export function durationMs(ms: number): DurationMs {
  if (!(Number.isFinite(ms) && ms >= 0)) assert(false, `a duration of zero or more milliseconds, got ${ms}`);
  return ms as DurationMs;
}

/** The duration of `hours` hours, rounded to a millisecond. */
export function hours(count: number): DurationMs {
  return durationMs(Math.round(count * HOUR_MS));
}

/** The duration of `minutes` minutes, rounded to a millisecond. */
export function minutes(count: number): DurationMs {
  return durationMs(Math.round(count * MINUTE_MS));
}

/** The instant `duration` after `instant`, on the same clock. */
export function after<T extends FleetInstant | MachineInstant>(instant: T, duration: DurationMs): T {
  return (instant + duration) as T;
}

/** Milliseconds from `from` to `to`, negative when `to` is earlier; both on the same clock. */
export function elapsedMs<T extends FleetInstant | MachineInstant>(from: T, to: T): number {
  return to - from;
}

/**
 * A fleet instant as people read it, in UTC: `2026-11-21T04:55:00Z`, rounded down to the second (RFC 3339). The civil date
 * is computed here, since the domain has no clock. Source: Hinnant, "chrono-compatible low-level date algorithms".
 */
export function instantText(instant: FleetInstant): string {
  const seconds = Math.floor(instant / 1000);
  const day = Math.floor(seconds / 86_400) + DAYS_FROM_MARCH_0000;
  const era = Math.floor(day / DAYS_OF_ERA);
  const dayOfEra = day - era * DAYS_OF_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const time = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits);
  return `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(dayOfMonth)}T${time.join(':')}Z`;
}

/** Years that begin in March end with the leap day; 1970-01-01 is this many days after 0000-03-01. */
const DAYS_FROM_MARCH_0000 = 719_468;
/** The calendar repeats after 400 years. */
const DAYS_OF_ERA = 146_097;

function twoDigits(count: number): string {
  return String(count).padStart(2, '0');
}
