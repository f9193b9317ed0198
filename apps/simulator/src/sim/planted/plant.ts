// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { assertNever } from '@outrider/domain/kernel/assert';
import { memoryStore } from '@outrider/testkit/memory-store';
import { emptyMemoryState } from '@outrider/testkit/memory-store/state';
import type { Turns } from '@outrider/testkit/turns';
import { capOutside } from './cap-outside.ts';
import { countTwice } from './count-twice.ts';
import { pauseNotify } from './pause-notify.ts';

/**
 * Bugs that this product must not have, each put into a store on purpose, so that it can be seen that the simulator finds
 * them: an oracle that was never seen to cry proves nothing.
 */
export type Plant =
  /** The cap is read in one statement and the row written in another: two servers pass it together. */
  | 'cap-outside'
  /** A report that is sent again is taken in again. */
  | 'count-twice'
  /** A pause is written and announced; a permit is committed without looking at it. */
  | 'pause-notify';

/** A store in memory with this bug, or as it should be. */
export function storeWith(plant: Plant | undefined, turns: Turns): ServerStore {
  const state = emptyMemoryState();
  const store = memoryStore(state);
  switch (plant) {
    case undefined:
      return store;
    case 'cap-outside':
      return { ...store, ledger: capOutside(state, turns) };
    case 'count-twice':
      return { ...store, reports: countTwice(state) };
    case 'pause-notify':
      return { ...store, ledger: pauseNotify(state) };
    default:
      return assertNever(plant);
  }
}
