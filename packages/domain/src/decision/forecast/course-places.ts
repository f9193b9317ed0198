// SPDX-License-Identifier: Apache-2.0
import type { SegmentId } from '../../kernel/ids.ts';
import { PI_LEVELS } from '../admission.ts';
import type { CountedFleet, FleetClass } from './counted-fleet.ts';

/** Levels of the coin that can be in force: those of the rule, and 1 after completion. */
export const LEVELS: readonly number[] = [...PI_LEVELS, 1];

/** What ready devices of one pool have in common. */
export interface Pool {
  readonly index: number;
  readonly segment: number;
  /** Index of the place that they stand in. */
  readonly place: number;
  readonly contact: number;
  readonly isPanel: boolean;
  /** 0: never enrolled; 1: in a ring and never enrolled; else two more than the level it was a control under. */
  readonly origin: number;
}

/** Never enrolled, by the prefix. */
export const FRESH = 0;
/** Never enrolled, in a ring: treated without a coin. */
export const RING = 1;
/** Ways to have come into a pool. */
export const ORIGINS = 2 + PI_LEVELS.length;

/** Where devices stand: their segment, and what of the orders of people makes them wait. */
export interface Place {
  readonly index: number;
  readonly segment: number;
  /** No offer before this instant; minus infinity: from the start on. */
  readonly notBefore: number;
  readonly freezes: readonly number[];
}

/** The pools, and with them the origin, of controls under this level that may be enrolled anew under a higher one. */
export function mayEnrol(pool: Pool, level: number): boolean {
  return pool.origin <= RING || level > pool.origin - 2;
}

/** Each segment, then each way to wait that devices of it have: without orders there are no more places than segments. */
export function placesOf(fleet: CountedFleet, segments: readonly SegmentId[]): readonly Place[] {
  const places: Place[] = segments.map((_, segment) => ({ index: segment, segment, ...NO_WAIT }));
  for (const one of fleet.classes) {
    if (placeFor(places, segments, one) !== undefined) continue;
    places.push({ index: places.length, segment: segments.indexOf(one.segment), ...waitOf(one) });
  }
  return places;
}

const NO_WAIT = { notBefore: Number.NEGATIVE_INFINITY, freezes: [] };

function waitOf({ notBefore, freezes }: FleetClass): Pick<Place, 'notBefore' | 'freezes'> {
  return { notBefore: notBefore ?? NO_WAIT.notBefore, freezes: freezes ?? NO_WAIT.freezes };
}

/** The place of the devices of this class. */
export function placeFor(places: readonly Place[], segments: readonly SegmentId[], one: FleetClass): Place | undefined {
  const segment = segments.indexOf(one.segment);
  const { notBefore, freezes } = waitOf(one);
  return places.find(
    (place) => place.segment === segment && place.notBefore === notBefore && place.freezes.join() === freezes.join(),
  );
}

/** Everything that ready devices can have in common. */
export function poolsOf(places: readonly Place[], contacts: number): readonly Pool[] {
  const pools: Pool[] = [];
  for (const { index: place, segment } of places) {
    for (let contact = 0; contact < contacts; contact++) {
      for (const isPanel of [false, true]) {
        for (let origin = 0; origin < ORIGINS; origin++) {
          pools.push({ index: pools.length, segment, place, contact, isPanel, origin });
        }
      }
    }
  }
  return pools;
}
