// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';

/** How many requests in a row, and how many a second after them. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** Counts by name: an address, a person, a token. */
export interface RateLimiter {
  /** Takes one; undefined: it was there. Else the whole seconds after which there is one again. */
  take(name: string): number | undefined;
}

/** Names that are remembered: some megabytes. Whoever floods with more addresses makes room by the oldest. */
const NAMES_MAX = 50_000;

/** Token buckets in memory, one a name; each server of an installation counts for itself. */
export function rateLimiter({ burst, perSecond }: RateLimit, machineClock: MachineClock): RateLimiter {
  const buckets = new Map<string, { left: number; at: MachineInstant }>();
  return {
    take(name) {
      const now = machineClock.now();
      const held = buckets.get(name);
      const left =
        held === undefined ? burst : Math.min(burst, held.left + (elapsedMs(held.at, now) / 1_000) * perSecond);
      // Set anew, so that the map stays in the order of use.
      buckets.delete(name);
      buckets.set(name, { left: left >= 1 ? left - 1 : left, at: now });
      if (buckets.size > NAMES_MAX) {
        const [oldest] = buckets.keys();
        if (oldest !== undefined) buckets.delete(oldest);
      }
      return left >= 1 ? undefined : Math.max(1, Math.ceil((1 - left) / perSecond));
    },
  };
}
