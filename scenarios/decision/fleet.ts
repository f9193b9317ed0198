// SPDX-License-Identifier: Apache-2.0
import { PI_LEVELS } from '@outrider/domain/decision/admission';
import { binomial } from '@outrider/domain/kernel/binomial';
import type { Prng } from '@outrider/domain/kernel/prng';
import { PANEL_SHARE } from '@outrider/domain/policy/place';
import { chanceWithin, checkInChance } from './weather.ts';
import type { World } from './world.ts';

/**
 * The devices of a fleet that have no permit, as numbers of devices alike: outside the prefix of the hash order, waiting for
 * their next check-in, downloaded, or ready to install. All that a device does next depends on its class alone, so counts
 * drawn from the binomial distribution have the same law as devices followed one by one.
 */
export interface Fleet {
  readonly world: World;
  readonly source: Prng;
  /** Devices of each segment. */
  readonly populations: readonly number[];
  /** By segment, contact and readiness. */
  readonly outside: Float64Array;
  readonly waiting: Float64Array;
  readonly downloaded: Float64Array;
  /** By segment, contact, panel and origin: a device that is ready asks within the hour on average. */
  readonly ready: Float64Array;
  /** Controls whose windows close, by step and pool, for the 168 h that the longest lasts. */
  readonly returning: Float64Array;
  prefixShare: number;
}

/** Where a ready device comes from: 0 for never enrolled, else one more than the index of the level it was a control under. */
export const ORIGINS = 1 + PI_LEVELS.length;

/** Levels of the coin that can be in force: those of the rule, and 1 after completion. */
export const LEVELS: readonly number[] = [...PI_LEVELS, 1];

/** What all devices of one pool of ready devices have in common. */
export interface Pool {
  readonly index: number;
  readonly segment: number;
  readonly contact: number;
  readonly isPanel: boolean;
  readonly origin: number;
}

/** A number of devices of one pool that ask for a permit. */
export interface Asking {
  readonly pool: Pool;
  readonly devices: number;
}

/** A fleet before anything is offered to it. */
export function createFleet(world: World, devices: number, source: Prng): Fleet {
  const classes = world.segmentShares.length * world.contacts.length * world.readiness.length;
  const pools = poolsOf(world).length;
  const populations = apportion(devices, world.segmentShares);
  const outside = new Float64Array(classes);
  const byContact = world.contacts.map((one) => one.share);
  const byReadiness = world.readiness.map((one) => one.share);
  let index = 0;
  for (const population of populations) {
    for (const inContact of apportion(population, byContact)) {
      for (const inClass of apportion(inContact, byReadiness)) outside[index++] = inClass;
    }
  }
  return {
    world,
    source,
    populations,
    outside,
    waiting: new Float64Array(classes),
    downloaded: new Float64Array(classes),
    ready: new Float64Array(pools),
    returning: new Float64Array(RETURN_STEPS * pools),
    prefixShare: 0,
  };
}

/** One step of ten minutes: the prefix widens, devices check in and download, become ready, and controls come back. */
export function moveFleet(fleet: Fleet, step: number, prefixShare: number): void {
  widenPrefix(fleet, prefixShare);
  const { world, source, waiting, downloaded, ready, returning } = fleet;
  const becomeReady = world.readiness.map(({ meanHours }) => chanceWithin(meanHours));
  let index = 0;
  for (let segment = 0; segment < world.segmentShares.length; segment++) {
    for (const [contact, { meanHours }] of world.contacts.entries()) {
      const checkIn = checkInChance(world, meanHours, { step, segment });
      for (const chance of becomeReady) {
        const become = binomial(source, downloaded[index] ?? 0, chance);
        const download = binomial(source, waiting[index] ?? 0, checkIn);
        add(waiting, index, -download);
        add(downloaded, index, download - become);
        const inPanel = binomial(source, become, PANEL_SHARE);
        add(ready, poolIndex({ segment, contact, isPanel: true, origin: 0 }, world), inPanel);
        add(ready, poolIndex({ segment, contact, isPanel: false, origin: 0 }, world), become - inPanel);
        index += 1;
      }
    }
  }
  const slot = (step % RETURN_STEPS) * ready.length;
  for (let pool = 0; pool < ready.length; pool++) {
    const back = returning[slot + pool] ?? 0;
    if (back === 0) continue;
    add(ready, pool, back);
    returning[slot + pool] = 0;
  }
}

/** The devices that ask in this step. A control asks again once the level of the coin has risen above its own. */
export function askingNow(fleet: Fleet, level: number): readonly Asking[] {
  const asking: Asking[] = [];
  for (const pool of poolsOf(fleet.world)) {
    const ready = fleet.ready[pool.index] ?? 0;
    if (ready === 0 || pool.origin > level) continue;
    const devices = binomial(fleet.source, ready, ASK_CHANCE);
    if (devices > 0) asking.push({ pool, devices });
  }
  return asking;
}

/** Takes enrolled devices out of their pool; the controls among them come back when their windows have closed. */
export function takeEnrolled(fleet: Fleet, pool: Pool, enrolled: Enrolment): void {
  add(fleet.ready, pool.index, -(enrolled.treated + enrolled.control));
  if (enrolled.control === 0) return;
  const back = poolIndex({ ...pool, origin: enrolled.level + 1 }, fleet.world);
  const slot = ((enrolled.step + enrolled.windowSteps) % RETURN_STEPS) * fleet.ready.length;
  add(fleet.returning, slot + back, enrolled.control);
}

export interface Enrolment {
  readonly step: number;
  readonly level: number;
  readonly treated: number;
  readonly control: number;
  /** Steps until the last outcome window of these rows closes. */
  readonly windowSteps: number;
}

/** The pools of a world, by index. */
export function poolsOf(world: World): readonly Pool[] {
  const known = POOLS.get(world);
  if (known !== undefined) return known;
  const pools: Pool[] = [];
  for (let segment = 0; segment < world.segmentShares.length; segment++) {
    for (let contact = 0; contact < world.contacts.length; contact++) {
      for (const isPanel of [false, true]) {
        for (let origin = 0; origin < ORIGINS; origin++) {
          pools.push({ index: pools.length, segment, contact, isPanel, origin });
        }
      }
    }
  }
  POOLS.set(world, pools);
  return pools;
}

/** Pools are asked for in every step. */
const POOLS = new WeakMap<World, readonly Pool[]>();

/** The longest window is 168 h, and a step more tells "now" from "in 168 h". */
const RETURN_STEPS = 168 * 6 + 1;

/** "A ready device asks within the hour on average." */
const ASK_CHANCE = chanceWithin(1);

function widenPrefix(fleet: Fleet, prefixShare: number): void {
  if (prefixShare <= fleet.prefixShare) return;
  const chance = (prefixShare - fleet.prefixShare) / (1 - fleet.prefixShare);
  for (let index = 0; index < fleet.outside.length; index++) {
    const reached = binomial(fleet.source, fleet.outside[index] ?? 0, chance);
    add(fleet.outside, index, -reached);
    add(fleet.waiting, index, reached);
  }
  fleet.prefixShare = prefixShare;
}

function poolIndex(pool: Omit<Pool, 'index'>, world: World): number {
  const { segment, contact, isPanel, origin } = pool;
  return ((segment * world.contacts.length + contact) * 2 + (isPanel ? 1 : 0)) * ORIGINS + origin;
}

/** Whole devices in these shares, by largest remainder; none is lost. */
function apportion(devices: number, shares: readonly number[]): readonly number[] {
  const whole = shares.map((share) => Math.floor(devices * share));
  const left = devices - whole.reduce((sum, one) => sum + one, 0);
  const byRemainder = shares
    .map((share, index) => ({ index, remainder: devices * share - Math.floor(devices * share) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  const lifted = new Set(byRemainder.slice(0, Math.round(left)).map((one) => one.index));
  return whole.map((one, index) => one + (lifted.has(index) ? 1 : 0));
}

function add(counts: Float64Array, index: number, devices: number): void {
  counts[index] = (counts[index] ?? 0) + devices;
}
