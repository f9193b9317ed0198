// SPDX-License-Identifier: Apache-2.0
import { BEFORE_FROM_MS, CRASHES_MAX, type CrashHistory } from '../gateway/crash-history.ts';
import { durationMs, type FleetInstant } from '../kernel/time.ts';

/** The crashes of the last three days, on the device's own clock: what a permit request tells the server. */
export interface CrashLog {
  /** Every crash from this instant on is here; of earlier ones nothing is known. */
  readonly since: FleetInstant;
  /** Oldest first. */
  readonly at: readonly FleetInstant[];
}

/** The log of a device that has kept none so far. */
export function newCrashLog(now: FleetInstant): CrashLog {
  return { since: now, at: [] };
}

/** The log with one more crash. One that is told twice counts once; what is too old or too much is forgotten. */
export function withCrash(log: CrashLog, at: FleetInstant, now: FleetInstant): CrashLog {
  if (log.at.includes(at)) return log;
  const recent = [...log.at, at].filter((one) => now - one <= BEFORE_FROM_MS).sort((a, b) => a - b);
  const kept = recent.slice(-CRASHES_MAX);
  const [oldest] = kept;
  return { since: recent.length > kept.length && oldest !== undefined ? oldest : log.since, at: kept };
}

/** The log as ages at `now`; undefined when the clock went back behind its beginning, and nothing can be said. */
export function crashHistoryAt({ since, at }: CrashLog, now: FleetInstant): CrashHistory | undefined {
  if (now < since) return undefined;
  const ages = at.map((one) => now - one).filter((ageMs) => ageMs >= 0 && ageMs <= BEFORE_FROM_MS);
  return { knownForMs: durationMs(Math.min(now - since, BEFORE_FROM_MS)), agesMs: ages.map(durationMs) };
}
