// SPDX-License-Identifier: Apache-2.0
import { assert } from '../kernel/assert.ts';
import type { DurationMs } from '../kernel/time.ts';

/** How busy one gateway is, as its shell has measured it. */
export interface Load {
  /** Requests of devices that wait for their answer; those answered at once from memory never do. */
  readonly underWayCount: number;
  /** Of them, those that wait for the ledger of permits and for the log of reports. */
  readonly permitsUnderWayCount: number;
  readonly reportsUnderWayCount: number;
  /**
   * How late the event loop comes to its turns: the least of the last samples, so that one long turn is no load and a standing
   * queue is (Nichols and Jacobson, "Controlling Queue Delay", 2012).
   */
  readonly loopDelayMs: DurationMs;
}

/** Where a gateway counts as full: 1,000 permille of load. */
export interface LoadLimits {
  readonly underWayMax: number;
  readonly permitsUnderWayMax: number;
  readonly reportsUnderWayMax: number;
  readonly loopDelayMaxMs: number;
  /** What came in one moment has waited for so long when the first is turned away: the rest of its turn, or its read, is as long again. */
  readonly crowdWaitMaxMs: number;
  /** So long at most a device for which something is read may have waited in the end, by what those before it have taken; that may be twice as long. */
  readonly readWaitMaxMs: number;
  /** A turn of the loop takes nobody else on after so long: what came before waits for it at each step of its own way. */
  readonly turnWorkMaxMs: number;
}

/**
 * Two seconds of permits at 2,000 a second, the same of reports in larger batches, and a delay of the loop that keeps the
 * 99th percentile of what is answered below 200 ms.
 */
export const LOAD_LIMITS: LoadLimits = {
  underWayMax: 10_000,
  permitsUnderWayMax: 4_000,
  reportsUnderWayMax: 8_000,
  loopDelayMaxMs: 150,
  crowdWaitMaxMs: 100,
  readWaitMaxMs: 100,
  turnWorkMaxMs: 40,
};

/** What a request is to a gateway under load. `untouched`: people, probes, and whatever tells how the server is. */
export type Urgency = 'check-in' | 'permit' | 'report' | 'untouched';

/**
 * From which load on, in permille, a request is turned away. A check-in loses nothing by coming later; a permit stands for a
 * download that has been made; a report is evidence, and goes last.
 */
export const SHED_FROM_PERMILLE = {
  'check-in': 1_000,
  permit: 2_000,
  report: 4_000,
} as const satisfies Readonly<Record<Exclude<Urgency, 'untouched'>, number>>;

assert(
  SHED_FROM_PERMILLE['check-in'] < SHED_FROM_PERMILLE.permit && SHED_FROM_PERMILLE.permit < SHED_FROM_PERMILLE.report,
  'evidence is turned away last',
);

/** The fullest of what a gateway has, in permille of its limit; 1,000 is full, and there is no most. */
export function loadPermille(load: Load, limits: LoadLimits): number {
  return Math.max(
    permilleOf(load.underWayCount, limits.underWayMax),
    permilleOf(load.permitsUnderWayCount, limits.permitsUnderWayMax),
    permilleOf(load.reportsUnderWayCount, limits.reportsUnderWayMax),
    permilleOf(load.loopDelayMs, limits.loopDelayMaxMs),
  );
}

/** Whether a request is turned away before anything is done for it. `permille`: of `loadPermille`. */
export function isShed(urgency: Urgency, permille: number): boolean {
  return urgency !== 'untouched' && permille >= SHED_FROM_PERMILLE[urgency];
}

/** What came at once, and how long it has stood: a fleet that returns in one moment is there before any sample has seen it. */
export interface Crowd {
  /** Requests that wait together. */
  readonly count: number;
  /** The longest that one of them may have waited. */
  readonly waitedMs: number;
  /** How long this turn has been busy with them, where others wait for what is read for them: each step of theirs waits for its end. */
  readonly workMs?: number;
}

/** So many together are always taken on: one long pause of a quiet gateway turns nobody away. */
export const CROWD_MIN = 64;

/** And so many of each turn, however long it takes: something is answered always. */
export const TURN_MIN = 32;

/** How long a crowd of one moment has waited says little of how many they are; that follows from those who are turned away. */
const CROWD_PERMILLE_MAX = 3_000;

/** The load of a crowd, in permille: its wait, and what is done for it, against what keeps answers below 200 ms; 0 where it is none. */
export function crowdPermille({ count, waitedMs, workMs = 0 }: Crowd, limits: LoadLimits): number {
  const wait = count <= CROWD_MIN ? 0 : permilleOf(waitedMs, limits.crowdWaitMaxMs);
  const work = count <= TURN_MIN ? 0 : permilleOf(workMs, limits.turnWorkMaxMs);
  return Math.min(CROWD_PERMILLE_MAX, Math.max(wait, work));
}

/** For so many something is always read, however long it takes: somebody is answered always. */
export const READS_MIN = 32;

/** The load of those for whom something is read, in permille: how long one more will have waited among so many; 0 for a few. */
export function readsPermille({ count, waitedMs }: Pick<Crowd, 'count' | 'waitedMs'>, limits: LoadLimits): number {
  return count <= READS_MIN ? 0 : Math.min(CROWD_PERMILLE_MAX, permilleOf(waitedMs, limits.readWaitMaxMs));
}

/** The window over which those who are turned away come back, at full load: it grows with the load. Seconds. */
const SPREAD_S = 30;
/** The widest window: devices back off by themselves beyond it. */
const SPREAD_MAX_S = 600;
/** The soonest: nobody comes back into the same queue. */
const SOONEST_S = 2;

/**
 * By so many of those who come back a gateway is to be asked in a second: a third of what each of two gateways answered when 200,000
 * devices came at once, half of them in 66 s, on two cores that they shared with PostgreSQL and the devices (docs/measurements/herd.md).
 */
const RETURNS_PER_S = 250;

/**
 * When whoever is turned away shall come back, in whole seconds: anywhere (full jitter) in a window that is as wide as the load is
 * high, and as `awayCount`, the others who were turned away just before, are many. `share` in [0, 1) says where.
 */
export function comeBackAfterS(
  { permille, awayCount }: { readonly permille: number; readonly awayCount: number },
  share: number,
): number {
  const byLoadS = (SPREAD_S * Math.max(1_000, permille)) / 1_000;
  const windowS = Math.min(SPREAD_MAX_S, Math.ceil(Math.max(byLoadS, awayCount / RETURNS_PER_S)));
  return SOONEST_S + Math.floor(share * windowS);
}

/** Who was turned away is as good as back after some minutes: half of them are forgotten in each. */
const AWAY_HALF_LIFE_MS = 60_000;

/** How many are away, so long after `awayCount` were. */
export function awayAfter(awayCount: number, passedMs: number): number {
  return awayCount * 2 ** (-Math.max(0, passedMs) / AWAY_HALF_LIFE_MS);
}

function permilleOf(value: number, max: number): number {
  return Math.floor((value * 1_000) / max);
}
