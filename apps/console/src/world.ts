// SPDX-License-Identifier: Apache-2.0
import { createContext, useContext, useEffect, useState } from 'react';
import type { Zone } from './figures/format.ts';
import type { Fetch } from './live/management.ts';

/** Everything of the browser that the page uses and `main.ts` alone may touch. */
export interface World {
  /** The wall clock of this machine, in milliseconds since 1970. */
  now(): number;
  after(delayMs: number, work: () => void): () => void;
  readonly fetch: Fetch;
  readonly zone: Kept;
  /** The part of the address after `#`; never sent to anybody. */
  readonly place: { current(): string; onChange(work: () => void): () => void };
}

/** A text that outlives a reload: the zone, for good. */
export interface Kept {
  load(): string | undefined;
  store(text: string | undefined): void;
}

/** What every part of the page may ask for. */
export interface PageSettings {
  readonly zone: Zone;
}

export const Settings = createContext<PageSettings>({ zone: 'utc' });

export function useZone(): Zone {
  return useContext(Settings).zone;
}

/** The time of this machine, told anew each second, so that "stale since" needs no event. */
export function useNow(world: World): number {
  const [nowMs, setNow] = useState(world.now());
  useEffect(() => {
    let takeBack = (): void => {};
    function tick(): void {
      setNow(world.now());
      takeBack = world.after(1_000, tick);
    }
    takeBack = world.after(1_000, tick);
    return () => takeBack();
  }, [world]);
  return nowMs;
}

/** Where the person is on the page. */
export function usePlace(world: World): string {
  const [place, setPlace] = useState(world.place.current());
  useEffect(() => world.place.onChange(() => setPlace(world.place.current())), [world]);
  return place;
}
