// SPDX-License-Identifier: Apache-2.0
import { setTimeout as elapse } from 'node:timers/promises';

/** Resolves after this much machine time, or at once when it is aborted: for polling what tells nobody when it is ready. */
export async function delay(timeMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await elapse(timeMs, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
  }
}

/** Runs work after this much machine time, unless the answer is called before. */
export function afterDelay(timeMs: number, work: () => void): () => void {
  const timer = setTimeout(work, timeMs);
  return () => clearTimeout(timer);
}

/**
 * Runs work when all promises that are settled by then have been dealt with, and whatever follows from them. A tick that is
 * asked for by a microtask comes after the last microtask, which is ten times cheaper than a round of the event loop.
 */
export function afterThisTurn(work: () => void): void {
  queueMicrotask(() => process.nextTick(work));
}

/** The same after a round of the event loop: so that sockets, timers and other threads get their turn too. */
export function afterThisRound(work: () => void): void {
  setImmediate(work);
}
