// SPDX-License-Identifier: Apache-2.0
import type { Delta } from '../../delta/delta.ts';
import type { RunningSoftware } from '../../gateway/device-record.ts';
import type { DeviceId, SegmentId } from '../../kernel/ids.ts';
import { firstFailing } from '../../kernel/predicate.ts';
import type { FleetInstant } from '../../kernel/time.ts';
import type { DeviceAttributes } from '../../policy/attributes.ts';
import { matchAudience } from '../../policy/audience-match.ts';
import type { Freeze } from '../../policy/freeze.ts';
import type { SegmentPopulation } from '../../policy/log.ts';
import { orderOf } from '../../policy/place.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import { ELIGIBILITY, type EligibilityCode } from '../../release/eligibility.ts';
import type { ReleaseManifest } from '../../release/release.ts';
import { downloadOf } from './download.ts';
import {
  type DeviceStanding,
  type ForecastOrders,
  freezesAhead,
  NO_FORECAST_ORDERS,
  type OrderName,
  standingUnder,
} from './orders.ts';
import { placeOf, ringIndexOf, spreadOverWaves, type WavePlace, waveEnds } from './wave-place.ts';

/** A device as far as a forecast asks about it. */
export interface ForecastDevice {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  readonly running: RunningSoftware;
}

/** Eligible devices alike in everything a forecast asks: where they stand, what they run, what they have to fetch. */
export interface FleetClass {
  /** Index of the first wave that may reach them. */
  readonly waveIndex: number;
  /** Reached as a ring, so treated without a coin. */
  readonly isRing: boolean;
  readonly segment: SegmentId;
  readonly region: string;
  /** The version they run now. */
  readonly version: string;
  /** Bytes that one device fetches: artifacts and block lists. */
  readonly bytesEach: number;
  /** Of all components a delta; else at least one comes whole. */
  readonly isByDelta: boolean;
  readonly devices: number;
  /** No offer before this instant, by an order of people. Absent: none is in the way. */
  readonly notBefore?: FleetInstant;
  /** Indices into the freezes of the counted fleet: no permit while one of them holds. Absent: none. */
  readonly freezes?: readonly number[];
}

/** An audience, counted in one pass. */
export interface CountedFleet {
  /** Devices of the audience, by segment, as the start of the rollout counts them. */
  readonly populations: readonly SegmentPopulation[];
  readonly ringDevices: number;
  /** Devices that can get the release: eligible, and kept out by no order. */
  readonly classes: readonly FleetClass[];
  /** Freezes ahead, as the classes refer to them. */
  readonly freezes: readonly Freeze[];
  /** Devices of regions that people have halted, by segment, as the halt counts them. */
  readonly haltedPopulations: readonly SegmentPopulation[];
  /** Eligible devices that each order of people concerns, and whether it keeps them out for good. */
  readonly ordered: readonly OrderedDevices[];
  /** Devices of the audience that get no offer, by the first condition that fails. */
  readonly ineligible: readonly { readonly code: EligibilityCode; readonly devices: number }[];
}

/** Eligible devices that one order concerns. */
export interface OrderedDevices extends OrderName {
  readonly devices: number;
  /** Of these: devices that get nothing at all, by this order or another. */
  readonly out: number;
}

/** What a plan is counted for, beside the fleet itself. */
export interface CountedFor {
  readonly release: ReleaseManifest;
  readonly deltas: readonly Delta[];
  /** What people have ordered, and the instant at which it is looked at. Absent: nothing. */
  readonly orders?: { readonly given: ForecastOrders; readonly now: FleetInstant };
}

/** Takes in devices one at a time, or numbers of devices alike. */
export interface FleetCounter {
  add(device: ForecastDevice): void;
  /** Devices that differ from this one in their id alone, when nobody can list them: their waves are as the shares say. */
  addAlike(like: ForecastDevice, devices: number): void;
  /** Everything that was added. */
  counted(): CountedFleet;
}

/**
 * Counts the devices of an audience by where the hash puts them: exact, one pass, two numbers a device (the size of the
 * audience is known only at its end, and with it where each wave ends).
 */
export function fleetCounter(plan: RolloutPlan, { release, deltas, orders }: CountedFor): FleetCounter {
  // Without orders no instant is looked at: zero is as good as any.
  const { given, now } = orders ?? { given: NO_FORECAST_ORDERS, now: 0 as FleetInstant };
  const populations = new Map<SegmentId, number>();
  const haltedPopulations = new Map<SegmentId, number>();
  const ordered = new Map<string, OrderedDevices>();
  const haltedRegions = new Set(given.rollout?.haltedRegions?.map((one) => one.region));
  const ineligible = new Map<EligibilityCode, number>();
  const kinds = new Map<string, Kind>();
  const hashOrders: number[] = [];
  const kindsInOrder: Kind[] = [];
  const ringTags = plan.waves.flatMap((wave) => wave.ringTags);
  let ringDevices = 0;

  /** The kind of a device that is in the audience and eligible; counted as such here. */
  function kindOf(device: ForecastDevice, devices: number): Kind | undefined {
    const { attributes, running } = device;
    if (!isInAudience(plan, release, device)) return undefined;
    // Attribute values are parsed by the same pattern as ids: this is the constructor of a segment.
    const segment = attributes[plan.segmentBy] as SegmentId;
    addTo(populations, segment, devices);
    if (haltedRegions.has(attributes.region)) addTo(haltedPopulations, segment, devices);
    if (attributes.tags.some((tag) => ringTags.includes(tag))) ringDevices += devices;
    const subject = { manifest: release, hardwareId: attributes.hardwareId, running };
    const failing = ELIGIBILITY[firstFailing(ELIGIBILITY, subject)];
    if (failing !== undefined) {
      addTo(ineligible, failing.code, devices);
      return undefined;
    }
    const who = { deviceId: device.deviceId, attributes, version: running.version, segment };
    const standing = standingUnder(given, who, now);
    for (const one of standing.by) addOrdered(ordered, one, { devices, out: standing.isOut ? devices : 0 });
    if (standing.isOut) return undefined;
    const { notBefore, freezes } = standing;
    const ringIndex = ringIndexOf(plan, attributes.tags);
    const digests = running.components.map((one) => `${one.name}=${one.digest}`).join();
    const key = [segment, attributes.region, running.version, digests, ringIndex, notBefore, freezes.join()].join(' ');
    const known = kinds.get(key);
    if (known !== undefined) return known;
    const place = { segment, region: attributes.region, version: running.version, standing };
    const kind = { ...place, ...downloadOf(release, running, deltas), index: kinds.size, ringIndex, unplaced: 0 };
    kinds.set(key, kind);
    return kind;
  }

  return {
    add(device) {
      const kind = kindOf(device, 1);
      if (kind === undefined) return;
      hashOrders.push(orderOf(plan.salt, device.deviceId));
      kindsInOrder.push(kind);
    },
    addAlike(like, devices) {
      const kind = kindOf(like, devices);
      if (kind !== undefined) kind.unplaced += devices;
    },
    counted() {
      const ends = waveEnds(plan, sumOf(populations));
      const places = 2 * ends.length;
      const counts = new Float64Array(kinds.size * places);
      const count = (kind: Kind, { waveIndex, isRing }: WavePlace, devices: number): void => {
        const index = kind.index * places + 2 * waveIndex + (isRing ? 1 : 0);
        counts[index] = (counts[index] ?? 0) + devices;
      };
      for (const [index, kind] of kindsInOrder.entries()) {
        count(kind, placeOf(hashOrders[index] ?? 0, kind.ringIndex, ends), 1);
      }
      for (const kind of kinds.values()) {
        for (const one of spreadOverWaves(kind.unplaced, kind.ringIndex, ends)) count(kind, one, one.devices);
      }
      return {
        populations: populationsOf(populations),
        haltedPopulations: populationsOf(haltedPopulations),
        freezes: freezesAhead(given, now),
        ordered: [...ordered.values()],
        ringDevices,
        classes: [...kinds.values()].flatMap((kind) =>
          classesOf(kind, counts.subarray(kind.index * places, (kind.index + 1) * places)),
        ),
        ineligible: sortedEntries(ineligible).map(([code, devices]) => ({ code, devices })),
      };
    },
  };
}

/** Everything about a device but its place in the order. */
interface Kind {
  readonly index: number;
  readonly segment: SegmentId;
  readonly region: string;
  readonly version: string;
  /** -1: in no ring. */
  readonly ringIndex: number;
  readonly bytesEach: number;
  readonly isByDelta: boolean;
  readonly standing: DeviceStanding;
  /** Devices whose place in the order is not known. */
  unplaced: number;
}

/** The devices of one kind by wave, `counts` holding prefix and ring of each. */
function classesOf(kind: Kind, counts: Float64Array): readonly FleetClass[] {
  const { segment, region, version, bytesEach, isByDelta, standing } = kind;
  const { notBefore, freezes } = standing;
  const wait = {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(freezes.length === 0 ? {} : { freezes }),
  };
  return [...counts].flatMap((devices, index) => {
    const place = { waveIndex: index >> 1, isRing: index % 2 === 1 };
    return devices === 0 ? [] : [{ ...place, segment, region, version, bytesEach, isByDelta, devices, ...wait }];
  });
}

/** The same three conditions by which the server counts the audience when a rollout starts. */
function isInAudience(plan: RolloutPlan, release: ReleaseManifest, device: ForecastDevice): boolean {
  const { attributes, deviceId, running } = device;
  if (attributes.deviceType !== plan.deviceType) return false;
  if (!release.components.every((one) => one.hardwareIds.includes(attributes.hardwareId))) return false;
  return matchAudience(plan.audience, { deviceId, attributes, version: running.version });
}

function addTo<K>(counts: Map<K, number>, key: K, devices: number): void {
  counts.set(key, (counts.get(key) ?? 0) + devices);
}

function addOrdered(
  ordered: Map<string, OrderedDevices>,
  order: OrderName,
  more: { readonly devices: number; readonly out: number },
): void {
  const key = `${order.code} ${order.name}`;
  const { devices, out } = ordered.get(key) ?? { devices: 0, out: 0 };
  ordered.set(key, { ...order, devices: devices + more.devices, out: out + more.out });
}

function populationsOf(counts: ReadonlyMap<SegmentId, number>): readonly SegmentPopulation[] {
  return sortedEntries(counts).map(([segment, population]) => ({ segment, population }));
}

function sumOf(counts: ReadonlyMap<unknown, number>): number {
  let sum = 0;
  for (const one of counts.values()) sum += one;
  return sum;
}

function sortedEntries<K extends string, V>(counts: ReadonlyMap<K, V>): readonly (readonly [K, V])[] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
