// SPDX-License-Identifier: Apache-2.0

import { present } from '../../kernel/assert.ts';
import { binomial } from '../../kernel/binomial.ts';
import type { SegmentId } from '../../kernel/ids.ts';
import type { Prng } from '../../kernel/prng.ts';
import { scatter } from '../../kernel/scatter.ts';
import type { FleetInstant } from '../../kernel/time.ts';
import { PANEL_SHARE } from '../../policy/place.ts';
import type { FleetBehaviour } from './behaviour.ts';
import type { CountedFleet } from './counted-fleet.ts';
import { FRESH, ORIGINS, type Place, type Pool, placeFor, placesOf, poolsOf, RING } from './course-places.ts';

/** Hours of one step of a course: half of the hour that the first cap takes to be confirmed. */
export const STEP_HOURS = 0.5;

/**
 * The devices of a fleet on their way to a permit, as numbers of devices alike. What a device does next depends on its class
 * alone, so that counts drawn from the binomial distribution have the law of devices followed one by one.
 */
export interface CourseFleet {
  readonly segments: readonly SegmentId[];
  /** The first are the segments themselves, where nobody waits. */
  readonly places: readonly Place[];
  readonly behaviour: FleetBehaviour;
  readonly source: Prng;
  readonly pools: readonly Pool[];
  /** Bytes fetched so far. */
  fetchedBytes: number;
  /** Outside of what may download, with the share of the hash order that they fill. */
  readonly outside: readonly Group[];
  /** May download, not yet checked in. */
  readonly waiting: Group[];
  /** Downloaded, by ring or not, place, contact and readiness. */
  readonly deferring: Float64Array;
  /** Ready devices by the step of their next request, modulo `WHEEL_STEPS`, and pool. */
  readonly wheel: Float64Array;
}

/** Devices alike that have not checked in yet. */
interface Group {
  readonly isRing: boolean;
  readonly waveIndex: number;
  readonly place: number;
  readonly contact: number;
  readonly bytesEach: number;
  devices: number;
  /** How much of the wave had been opened when `devices` were left. */
  openedShare: number;
}

/** A fleet before anything is offered to it; how its devices live is drawn from the shares of the behaviour. */
export function createCourseFleet(fleet: CountedFleet, behaviour: FleetBehaviour, source: Prng): CourseFleet {
  const segments = fleet.populations.map((one) => one.segment);
  const places = placesOf(fleet, segments);
  const outside: Group[] = [];
  for (const one of fleet.classes) {
    const { waveIndex, isRing, bytesEach } = one;
    const group = {
      isRing,
      waveIndex,
      place: present(placeFor(places, segments, one), 'the place of a class').index,
      bytesEach,
      openedShare: 0,
    };
    split(source, one.devices, { shares: behaviour.contacts.map((contact) => contact.share) }, (contact, here) => {
      addGroup(outside, { ...group, contact, devices: here });
    });
  }
  const pools = poolsOf(places, behaviour.contacts.length);
  const classes = 2 * places.length * behaviour.contacts.length * behaviour.readiness.length;
  return {
    segments,
    places,
    behaviour,
    source,
    pools,
    fetchedBytes: 0,
    outside,
    waiting: [],
    deferring: new Float64Array(classes),
    wheel: new Float64Array(WHEEL_STEPS * pools.length),
  };
}

/** How far the rollout is open. */
export interface Opening {
  readonly waveIndex: number;
  /** Share of the hash order that may download. */
  readonly prefixShare: number;
  /** Where each wave ends, as a share of the hash order. */
  readonly ends: readonly number[];
  readonly now: FleetInstant;
  /** Nothing is offered to anybody any more. */
  readonly isOver: boolean;
}

/** One step: more devices may download, devices check in and fetch, and become ready to ask. */
export function moveFleet(fleet: CourseFleet, step: number, opening: Opening): void {
  openGroups(fleet, opening);
  const { source, behaviour, deferring } = fleet;
  let index = 0;
  for (let ring = 0; ring < 2; ring++) {
    for (const { index: place } of fleet.places) {
      for (let contact = 0; contact < behaviour.contacts.length; contact++) {
        for (const { meanHours } of behaviour.readiness) {
          const ready = binomial(source, deferring[index] ?? 0, chanceWithin(meanHours));
          if (ready > 0) becomeReady(fleet, step, { place, contact, origin: ring === 1 ? RING : FRESH, ready });
          add(deferring, index, -ready);
          index += 1;
        }
      }
    }
  }
  if (opening.isOver) return;
  for (const group of fleet.waiting) checkIn(fleet, group);
}

/** The devices that ask in this step, by pool; they are taken out and must be put back or enrolled. */
export function takeAsking(fleet: CourseFleet, step: number): readonly Asking[] {
  const { pools, wheel } = fleet;
  const slot = (step % WHEEL_STEPS) * pools.length;
  return pools.flatMap((pool) => {
    const devices = wheel[slot + pool.index] ?? 0;
    wheel[slot + pool.index] = 0;
    return devices > 0 ? [{ pool, devices }] : [];
  });
}

/** A number of devices of one pool that ask for a permit. */
export interface Asking {
  readonly pool: Pool;
  readonly devices: number;
}

/** Devices that were told to ask again after this mean, half of it to one and a half: the server's jitter. */
export function askAgain(fleet: CourseFleet, step: number, again: Asking & { readonly meanHours: number }): void {
  const fromStep = step + Math.round(again.meanHours / 2 / STEP_HOURS);
  putBetween(fleet, again, { fromStep, bins: Math.round(again.meanHours / STEP_HOURS) });
}

/** Controls come back under their level once their windows have closed, at their next poll. */
export function comeBack(fleet: CourseFleet, step: number, controls: Asking & { readonly level: number }): void {
  const { place, contact, isPanel } = controls.pool;
  const pool = poolAt(fleet, { place, contact, isPanel, origin: 2 + controls.level });
  if (pool === undefined) return;
  putBetween(fleet, { pool, devices: controls.devices }, { fromStep: step, bins: POLL_STEPS });
}

/** Probability that something which takes this long on average happens within a step. */
export function chanceWithin(meanHours: number): number {
  return -Math.expm1(-STEP_HOURS / meanHours);
}

/** The longest wait for a request: half as much again as twelve hours, after a step. */
const WHEEL_STEPS = 18 / STEP_HOURS + 2;
/** A control polls every twelve hours; when its windows close it is somewhere in between. */
const POLL_STEPS = 12 / STEP_HOURS;

function openGroups(fleet: CourseFleet, opening: Opening): void {
  for (const group of fleet.outside) {
    if (group.devices === 0 || opening.isOver) continue;
    if ((fleet.places[group.place]?.notBefore ?? 0) > opening.now) continue;
    const opened = group.isRing ? (group.waveIndex <= opening.waveIndex ? 1 : 0) : openedShareOf(group, opening);
    if (opened <= group.openedShare) continue;
    const reached = binomial(fleet.source, group.devices, (opened - group.openedShare) / (1 - group.openedShare));
    addGroup(fleet.waiting, { ...group, devices: reached });
    group.devices -= reached;
    group.openedShare = opened;
  }
}

/** How much of the part of the hash order that the group's wave adds lies below the threshold. */
function openedShareOf({ waveIndex }: Group, { ends, prefixShare }: Opening): number {
  const end = ends[waveIndex] ?? 1;
  const start = Math.max(0, ...ends.slice(0, waveIndex));
  return end <= start ? 1 : Math.min(1, Math.max(0, (prefixShare - start) / (end - start)));
}

function checkIn(fleet: CourseFleet, group: Group): void {
  const { behaviour, source, deferring } = fleet;
  const meanHours = behaviour.contacts[group.contact]?.meanHours ?? 1;
  const come = binomial(source, group.devices, chanceWithin(meanHours));
  if (come === 0) return;
  group.devices -= come;
  fleet.fetchedBytes += come * group.bytesEach;
  const row = (group.isRing ? fleet.places.length : 0) + group.place;
  const first = (row * behaviour.contacts.length + group.contact) * behaviour.readiness.length;
  split(source, come, { shares: behaviour.readiness.map((one) => one.share) }, (index, here) => {
    add(deferring, first + index, here);
  });
}

function becomeReady(
  fleet: CourseFleet,
  step: number,
  one: { readonly place: number; readonly contact: number; readonly origin: number; readonly ready: number },
): void {
  const inPanel = binomial(fleet.source, one.ready, PANEL_SHARE);
  for (const [isPanel, devices] of [
    [true, inPanel],
    [false, one.ready - inPanel],
  ] as const) {
    const pool = poolAt(fleet, { ...one, isPanel });
    if (pool !== undefined && devices > 0) put(fleet, step, { pool, devices });
  }
}

function putBetween(
  fleet: CourseFleet,
  { pool, devices }: Asking,
  when: { readonly fromStep: number; readonly bins: number },
): void {
  scatter(fleet.source, devices, {
    bins: when.bins,
    put: (bin, here) => put(fleet, when.fromStep + bin, { pool, devices: here }),
  });
}

function put(fleet: CourseFleet, step: number, { pool, devices }: Asking): void {
  add(fleet.wheel, (step % WHEEL_STEPS) * fleet.pools.length + pool.index, devices);
}

/** Groups are few: waves times places times contacts times sizes. */
function addGroup(groups: Group[], group: Group): void {
  if (group.devices === 0) return;
  const found = groups.find(
    (one) =>
      one.isRing === group.isRing &&
      one.waveIndex === group.waveIndex &&
      one.place === group.place &&
      one.contact === group.contact &&
      one.bytesEach === group.bytesEach,
  );
  if (found === undefined) groups.push(group);
  else found.devices += group.devices;
}

/** Draws how many of `devices` fall to each share. */
function split(
  source: Prng,
  devices: number,
  { shares }: { readonly shares: readonly number[] },
  take: (index: number, devices: number) => void,
): void {
  let left = devices;
  let shareLeft = shares.reduce((sum, one) => sum + one, 0);
  for (const [index, share] of shares.entries()) {
    const here = index === shares.length - 1 ? left : binomial(source, left, share / shareLeft);
    if (here > 0) take(index, here);
    left -= here;
    shareLeft -= share;
  }
}

function poolAt(fleet: CourseFleet, pool: Omit<Pool, 'index' | 'segment'>): Pool | undefined {
  const row = pool.place * fleet.behaviour.contacts.length + pool.contact;
  return fleet.pools[(row * 2 + (pool.isPanel ? 1 : 0)) * ORIGINS + pool.origin];
}

function add(counts: Float64Array, index: number, devices: number): void {
  counts[index] = (counts[index] ?? 0) + devices;
}
