// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { aroundStore } from './around-store.ts';
import type { Turns } from './turns.ts';

/** A round trip to a PostgreSQL on the same network is some milliseconds; each half of it draws its own. */
const HALF_TRIP_MEAN_MS = 2;

/**
 * A store whose every call waits for a turn before it has its effect and for another before its answer arrives, so that
 * calls of several servers overtake each other in an order that the seed decides.
 */
export function yieldingStore(store: ServerStore, turns: Turns): ServerStore {
  return aroundStore(store, async (_name, work) => {
    await turns.waitAbout(HALF_TRIP_MEAN_MS);
    const result = await work();
    await turns.waitAbout(HALF_TRIP_MEAN_MS);
    return result;
  });
}
