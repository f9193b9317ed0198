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

/** Runs work once the event loop has gone round: all promises that are settled by then have been dealt with. */
export function afterThisTurn(work: () => void): void {
  setImmediate(work);
}
