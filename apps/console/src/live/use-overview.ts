// SPDX-License-Identifier: Apache-2.0
import type { Overview } from '@outrider/protocol/decision/overview';
import { useEffect, useState } from 'react';
import type { World } from '../world.ts';
import type { Contact } from './contact.ts';
import type { Management } from './management.ts';
import { watchOverview } from './watch-overview.ts';

export interface Watched {
  readonly overview?: Overview;
  readonly contact: Contact;
}

/** Follows the overview as long as the page is open; what came last stays, with when it came. */
export function useOverview(world: World, management: Management | undefined): Watched {
  const [watched, setWatched] = useState<Watched>({ contact: {} });
  useEffect(() => {
    setWatched({ contact: {} });
    if (management === undefined) return undefined;
    return watchOverview({
      management,
      after: world.after,
      sink: {
        overview: (overview) => setWatched({ overview, contact: { heardAtMs: world.now() } }),
        fault: (fault) => setWatched((before) => ({ ...before, contact: { ...before.contact, fault } })),
      },
    });
  }, [world, management]);
  return watched;
}
