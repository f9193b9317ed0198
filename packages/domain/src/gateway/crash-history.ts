// SPDX-License-Identifier: Apache-2.0
import { type DurationMs, hours } from '../kernel/time.ts';

/** What a device knows of its own crashes when it asks for a permit, on its own clock: only ages, since clocks differ. */
export interface CrashHistory {
  /** How far back it knows of every crash. */
  readonly knownForMs: DurationMs;
  /** How long ago each of them was, at most `CRASHES_MAX`. */
  readonly agesMs: readonly DurationMs[];
}

/** Crashes that a device remembers: one every two hours for three days; a device that crashes more often knows less far back. */
export const CRASHES_MAX = 36;

/** The stretch before the permit request in which facts are compared: 72 to 24 h. Source: design/decision.md, "A/A monitor". */
export const BEFORE_FROM_MS: DurationMs = hours(72);
/** Where that stretch ends: what happened in the last day may already be of the download. */
export const BEFORE_TO_MS: DurationMs = hours(24);

/** Whether the device crashed 72 to 24 h before it asked; undefined when it does not say, or does not know so far back. */
export function hadCrashBefore(history: CrashHistory | undefined): boolean | undefined {
  if (history === undefined) return undefined;
  if (history.agesMs.some((ageMs) => ageMs >= BEFORE_TO_MS && ageMs <= BEFORE_FROM_MS)) return true;
  return history.knownForMs >= BEFORE_FROM_MS ? false : undefined;
}
