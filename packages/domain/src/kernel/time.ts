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

/** Makes a fleet instant from whole milliseconds since 1970. */
export function fleetInstant(ms: number): FleetInstant {
  assert(Number.isSafeInteger(ms) && ms >= 0, `a fleet instant in whole milliseconds, got ${ms}`);
  return ms as FleetInstant;
}

/** Makes a machine instant from milliseconds of a monotonic clock. */
export function machineInstant(ms: number): MachineInstant {
  assert(Number.isFinite(ms), `a machine instant in milliseconds, got ${ms}`);
  return ms as MachineInstant;
}

/** Makes a duration from milliseconds. */
export function durationMs(ms: number): DurationMs {
  assert(Number.isFinite(ms) && ms >= 0, `a duration of zero or more milliseconds, got ${ms}`);
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
