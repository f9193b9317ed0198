// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { aroundStore } from '@outrider/testkit/around-store';
import type { Turns } from '@outrider/testkit/turns';

/** How a region stands to the store: as it should, cut off so that each call fails, or silent so that each waits until it is over. */
export type Link = 'open' | 'cut' | 'silent';

/** The network between the gateways of all regions and their one store, and the bus for their notices. */
export interface RegionNetwork {
  /** The store as a gateway of this region sees it. */
  storeOf(region: number): ServerStore;
  notices(region: number): PolicyNotices;
  set(region: number, link: Link): void;
  /** Of the calls, so many in a thousand hang for seconds, wherever they are. */
  hangPermille: number;
  /** Of the notices, so many in a thousand are lost; the others come late. */
  lostPermille: number;
  seen(): { readonly hung: number; readonly failed: number; readonly lost: number };
}

/** Half a round trip, by region: from the same hall to the other side of the world. */
const HALF_TRIPS_MS = [1, 2, 5, 10, 20, 35, 50, 75];
const NOTICE_MEAN_MS = 400;
/** Longer than the right to offer lasts, and than the five seconds after a pause. */
const HANG_MAX_MS = 8_000;

export function regionNetwork(options: {
  readonly store: ServerStore;
  readonly regions: number;
  readonly turns: Turns;
  readonly source: Prng;
}): RegionNetwork {
  const { store, regions, turns, source } = options;
  const links: Link[] = Array.from({ length: regions }, () => 'open');
  const healings = Array.from({ length: regions }, () => Promise.withResolvers<void>());
  const followers: Set<() => void>[] = Array.from({ length: regions }, () => new Set());
  const counts = { hung: 0, failed: 0, lost: 0 };

  async function halfTrip(region: number, name: string): Promise<void> {
    await turns.waitAbout(HALF_TRIPS_MS[region % HALF_TRIPS_MS.length] ?? 1);
    if (below(source, 1_000) < network.hangPermille) {
      counts.hung++;
      await turns.wait(below(source, HANG_MAX_MS));
    }
    if (links[region] === 'silent') await healings[region]?.promise;
    if (links[region] !== 'cut') return;
    counts.failed++;
    throw new StoreAwayError(`the call ${name} found no store`);
  }

  const network: RegionNetwork = {
    ...{ hangPermille: 0, lostPermille: 0 },
    storeOf: (region) =>
      aroundStore(store, async (name, work) => {
        await halfTrip(region, name);
        // What was sent has its effect, whether its answer arrives or not.
        const result = await work();
        await halfTrip(region, name);
        return result;
      }),
    notices: (own) => ({
      tell() {
        for (const [region, looks] of followers.entries()) {
          if (links[region] !== 'open' || links[own] !== 'open') continue;
          for (const look of looks) {
            if (below(source, 1_000) < network.lostPermille) counts.lost++;
            else void turns.waitAbout(NOTICE_MEAN_MS).then(look);
          }
        }
      },
      follow(look) {
        followers[own]?.add(look);
        return () => void followers[own]?.delete(look);
      },
      close: async () => {},
    }),
    set(region, link) {
      links[region] = link;
      healings[region]?.resolve();
      healings[region] = Promise.withResolvers<void>();
    },
    seen: () => counts,
  };
  return network;
}
