// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';

/**
 * Hands out the same value for `reuseMs`, and one read to all who ask while it is under way: what many watch is read once.
 * A read that failed is not kept: whoever asks next tries again.
 */
export function reusedFor<T>(reuseMs: number, clock: MachineClock, read: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: T; readonly at: MachineInstant } | undefined;
  let underWay: Promise<T> | undefined;
  return async () => {
    if (kept !== undefined && elapsedMs(kept.at, clock.now()) < reuseMs) return kept.value;
    underWay ??= read()
      .then((value) => {
        kept = { value, at: clock.now() };
        return value;
      })
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };
}
