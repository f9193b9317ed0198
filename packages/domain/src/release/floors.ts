// SPDX-License-Identifier: Apache-2.0
import type { ReleaseCounter } from '../kernel/ids.ts';

/** Release counters below which a device takes nothing any more; each was signed with a release and was raised by confirming it. */
export interface Floors {
  /** What lies below has a hole that is known. Absent: there is none. */
  readonly security?: ReleaseCounter;
  /** What lies below cannot read the data any more. Absent: there is none. */
  readonly migration?: ReleaseCounter;
}

/** The higher of both, each for itself: floors only grow. */
export function raisedFloors(before: Floors | undefined, said: Floors | undefined): Floors | undefined {
  const [security, migration] = FLOOR_KINDS.map((kind) => highest(before?.[kind], said?.[kind]));
  if (security === undefined && migration === undefined) return undefined;
  return { ...(security !== undefined && { security }), ...(migration !== undefined && { migration }) };
}

/** The floor that a counter lies below, or undefined: it may run. */
export function floorAbove(
  floors: Floors | undefined,
  counter: number,
): { readonly kind: FloorKind; readonly floor: ReleaseCounter } | undefined {
  for (const kind of FLOOR_KINDS) {
    const floor = floors?.[kind];
    if (floor !== undefined && counter < floor) return { kind, floor };
  }
  return undefined;
}

/** What the image repository says of the bytes that a rollback twin brings back, and of floors that releases of its model have raised. */
export interface WayBack {
  /** The counter under which the bytes were released first; zero where nobody signed how old they are. */
  readonly contentCounter: number;
  readonly raised: readonly { readonly releaseCounter: ReleaseCounter; readonly floors: Floors }[];
}

/**
 * The floor that bars the way back of a device that runs this counter, or undefined. What it runs it has confirmed, or is about to: so
 * it has every floor up to there. Whoever jumped over a release has its floor too, since the next ones carry it on.
 */
export function barOnWayBack(wayBack: WayBack | undefined, runningCounter: number): ReturnType<typeof floorAbove> {
  let floors: Floors | undefined;
  for (const one of wayBack?.raised ?? []) {
    if (one.releaseCounter <= runningCounter) floors = raisedFloors(floors, one.floors);
  }
  return floorAbove(floors, wayBack?.contentCounter ?? 0);
}

/** Why there is no way below. */
export type FloorKind = keyof Floors;

const FLOOR_KINDS = ['security', 'migration'] as const satisfies readonly FloorKind[];

function highest(a: ReleaseCounter | undefined, b: ReleaseCounter | undefined): ReleaseCounter | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? b : a;
}
