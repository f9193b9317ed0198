// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';

/** Gives an empty store; whoever opens it closes it. */
export type OpenStore = () => Promise<ServerStore>;

/** One case of a contract, on a store of its own. */
export async function useStore(open: OpenStore, check: (store: ServerStore) => Promise<void>): Promise<void> {
  const store = await open();
  try {
    await check(store);
  } finally {
    await store.close();
  }
}
