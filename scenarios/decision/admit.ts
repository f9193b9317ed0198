// SPDX-License-Identifier: Apache-2.0

import { binomial } from '@outrider/domain/kernel/binomial';
import type { Prng } from '@outrider/domain/kernel/prng';
import type { Asking, Pool } from './fleet.ts';

/** Permits that may still be given: over all, and by segment. */
export interface CapsLeft {
  overall: number;
  readonly segments: Float64Array;
}

/**
 * Enrols devices that ask in a random order until a cap is reached: those who come later get no row in neither arm. The time
 * of the step is halved until all who ask in a part of it fit under every cap even if the coin treats each of them; then
 * the order within the part does not matter, and classes can be enrolled at once.
 */
export function admit(source: Prng, asking: readonly Asking[], caps: CapsLeft, coin: Coin): void {
  if (caps.overall <= 0) return;
  const open = asking.filter(({ pool }) => (caps.segments[pool.segment] ?? 0) > 0);
  if (open.length === 0) return;
  if (fits(open, caps)) {
    for (const { pool, devices } of open) {
      const treated = binomial(source, devices, coin.chanceOf(pool));
      caps.overall -= treated;
      caps.segments[pool.segment] = (caps.segments[pool.segment] ?? 0) - treated;
      coin.enrol(pool, treated, devices - treated);
    }
    return;
  }
  const first: Asking[] = [];
  const second: Asking[] = [];
  for (const { pool, devices } of open) {
    const early = binomial(source, devices, 0.5);
    if (early > 0) first.push({ pool, devices: early });
    if (devices > early) second.push({ pool, devices: devices - early });
  }
  admit(source, first, caps, coin);
  admit(source, second, caps, coin);
}

export interface Coin {
  /** Effective probability of the treated arm. */
  readonly chanceOf: (pool: Pool) => number;
  readonly enrol: (pool: Pool, treated: number, control: number) => void;
}

function fits(asking: readonly Asking[], caps: CapsLeft): boolean {
  const bySegment = new Float64Array(caps.segments.length);
  let total = 0;
  for (const { pool, devices } of asking) {
    total += devices;
    const inSegment = (bySegment[pool.segment] ?? 0) + devices;
    bySegment[pool.segment] = inSegment;
    if (inSegment > (caps.segments[pool.segment] ?? 0)) return false;
  }
  return total <= caps.overall;
}
