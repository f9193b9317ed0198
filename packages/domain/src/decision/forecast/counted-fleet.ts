// SPDX-License-Identifier: Apache-2.0
import { chooseArtifact, type Delta } from '../../delta/delta.ts';
import type { RunningSoftware } from '../../gateway/device-record.ts';
import { present } from '../../kernel/assert.ts';
import type { DeviceId, SegmentId } from '../../kernel/ids.ts';
import { firstFailing } from '../../kernel/predicate.ts';
import type { DeviceAttributes } from '../../policy/attributes.ts';
import { matchAudience } from '../../policy/audience-match.ts';
import { orderOf } from '../../policy/place.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import { ELIGIBILITY, type EligibilityCode } from '../../release/eligibility.ts';
import type { Image, ReleaseManifest } from '../../release/release.ts';
import { waveDevices } from '../waves.ts';

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
}

/** An audience, counted in one pass. */
export interface CountedFleet {
  /** Devices of the audience, by segment, as the start of the rollout counts them. */
  readonly populations: readonly { readonly segment: SegmentId; readonly population: number }[];
  readonly ringDevices: number;
  readonly classes: readonly FleetClass[];
  /** Devices of the audience that get no offer, by the first condition that fails. */
  readonly ineligible: readonly { readonly code: EligibilityCode; readonly devices: number }[];
}

/** Takes in devices one at a time. */
export interface FleetCounter {
  add(device: ForecastDevice): void;
  /** Everything that was added. */
  counted(): CountedFleet;
}

/**
 * Counts the devices of an audience by where the hash puts them: exact, one pass, twelve bytes a device (the size of the
 * audience is known only at its end, and with it where each wave ends).
 */
export function fleetCounter(plan: RolloutPlan, release: ReleaseManifest, deltas: readonly Delta[]): FleetCounter {
  const populations = new Map<SegmentId, number>();
  const ineligible = new Map<EligibilityCode, number>();
  const kinds = new Map<string, Kind>();
  const kindList: Kind[] = [];
  const orders: number[] = [];
  const kindOf: number[] = [];
  const ringTags = plan.waves.flatMap((wave) => wave.ringTags);
  let ringDevices = 0;

  return {
    add(device) {
      const { attributes, running, deviceId } = device;
      if (!isInAudience(plan, release, device)) return;
      // Attribute values are parsed by the same pattern as ids: this is the constructor of a segment.
      const segment = attributes[plan.segmentBy] as SegmentId;
      addTo(populations, segment);
      if (attributes.tags.some((tag) => ringTags.includes(tag))) ringDevices += 1;
      const subject = { manifest: release, hardwareId: attributes.hardwareId, running };
      const failing = ELIGIBILITY[firstFailing(ELIGIBILITY, subject)];
      if (failing !== undefined) {
        addTo(ineligible, failing.code);
        return;
      }
      const ringIndex = plan.waves.findIndex((wave) => wave.ringTags.some((tag) => attributes.tags.includes(tag)));
      const digests = running.components.map((one) => `${one.name}=${one.digest}`).join();
      const key = [segment, attributes.region, running.version, digests, ringIndex].join(' ');
      const index = kinds.get(key)?.index ?? kindList.length;
      if (index === kindList.length) {
        const kind = { index, segment, region: attributes.region, version: running.version, ringIndex };
        kindList.push({ ...kind, ...downloadOf(release, running, deltas) });
        kinds.set(key, present(kindList[index], 'the kind just added'));
      }
      orders.push(orderOf(plan.salt, deviceId));
      kindOf.push(index);
    },
    counted() {
      const population = sumOf(populations);
      const ends = plan.waves.map((wave) => waveDevices(wave, population) / Math.max(1, population));
      const places = 2 * ends.length;
      const counts = new Float64Array(kindList.length * places);
      for (const [position, order] of orders.entries()) {
        const kind = present(kindList[kindOf[position] ?? -1], 'the kind of a counted device');
        const { waveIndex, isRing } = placeOf(order, kind.ringIndex, ends);
        const index = kind.index * places + 2 * waveIndex + (isRing ? 1 : 0);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      return {
        populations: sortedEntries(populations).map(([segment, devices]) => ({ segment, population: devices })),
        ringDevices,
        classes: kindList.flatMap((kind) =>
          classesOf(kind, counts.subarray(kind.index * places, (kind.index + 1) * places)),
        ),
        ineligible: sortedEntries(ineligible).map(([code, devices]) => ({ code, devices })),
      };
    },
  };
}

/** The index of the first wave of a plan that may reach this device of an audience of `population` devices. */
export function firstWaveOf(
  plan: RolloutPlan,
  population: number,
  device: Pick<ForecastDevice, 'deviceId' | 'attributes'>,
): number {
  const { tags } = device.attributes;
  const ringIndex = plan.waves.findIndex((wave) => wave.ringTags.some((tag) => tags.includes(tag)));
  const ends = plan.waves.map((wave) => waveDevices(wave, population) / Math.max(1, population));
  return placeOf(orderOf(plan.salt, device.deviceId), ringIndex, ends).waveIndex;
}

/** Bytes that a device which runs this fetches of a release: for each component the artifact, and its block list. */
export function downloadOf(
  release: ReleaseManifest,
  running: RunningSoftware,
  deltas: readonly Delta[],
): { readonly bytesEach: number; readonly isByDelta: boolean } {
  let bytesEach = 0;
  let isByDelta = true;
  for (const { name, image } of release.components) {
    const base = running.components.find((one) => one.name === name)?.digest;
    const artifact = chooseArtifact(image, base, deltas);
    isByDelta &&= artifact.kind === 'delta';
    bytesEach += blockListBytes(image) + (artifact.kind === 'delta' ? artifact.delta.bytes : artifact.bytes);
  }
  return { bytesEach, isByDelta };
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
}

/** The devices of one kind by wave, `counts` holding prefix and ring of each. */
function classesOf(kind: Kind, counts: Float64Array): readonly FleetClass[] {
  const { segment, region, version, bytesEach, isByDelta } = kind;
  return [...counts].flatMap((devices, index) => {
    const place = { waveIndex: index >> 1, isRing: index % 2 === 1 };
    return devices === 0 ? [] : [{ ...place, segment, region, version, bytesEach, isByDelta, devices }];
  });
}

/** Raw SHA-256 of each block. */
const HASH_BYTES = 32;

function blockListBytes(image: Image): number {
  return Math.ceil(image.bytes / image.blockBytes) * HASH_BYTES;
}

/** The same three conditions by which the server counts the audience when a rollout starts. */
function isInAudience(plan: RolloutPlan, release: ReleaseManifest, device: ForecastDevice): boolean {
  const { attributes, deviceId, running } = device;
  if (attributes.deviceType !== plan.deviceType) return false;
  if (!release.components.every((one) => one.hardwareIds.includes(attributes.hardwareId))) return false;
  return matchAudience(plan.audience, { deviceId, attributes, version: running.version });
}

/** The earlier of ring and prefix; the last wave is everyone. */
function placeOf(order: number, ringIndex: number, ends: readonly number[]) {
  const inPrefix = ends.findIndex((end) => order < end);
  const prefixIndex = inPrefix < 0 ? ends.length - 1 : inPrefix;
  const isRing = ringIndex >= 0 && ringIndex <= prefixIndex;
  return { waveIndex: isRing ? ringIndex : prefixIndex, isRing };
}

function addTo<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sumOf(counts: ReadonlyMap<unknown, number>): number {
  let sum = 0;
  for (const one of counts.values()) sum += one;
  return sum;
}

function sortedEntries<K extends string, V>(counts: ReadonlyMap<K, V>): readonly (readonly [K, V])[] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
