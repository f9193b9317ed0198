// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { audienceQuery, namedDevices, oneOf, withoutNamed } from '@outrider/domain/gateway/audience-query';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import type { DeviceId, SegmentId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { matchAudience } from '@outrider/domain/policy/audience-match';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { ReleaseManifest } from '@outrider/domain/release/release';

/** Devices of one page: 2 MB of rows at most, read in some milliseconds. */
const PAGE_DEVICES = 2_000;

/** All devices of the registry, a page at a time. */
export async function* allDevices(registry: Registry): AsyncGenerator<DeviceRecord> {
  let after: DeviceId | undefined;
  for (;;) {
    const page = await registry.listDevices({ ...(after === undefined ? {} : { after }), limit: PAGE_DEVICES });
    yield* page;
    if (page.length < PAGE_DEVICES) return;
    after = page.at(-1)?.deviceId;
  }
}

/** The devices of the audience that stand in a ring of any wave: found by their tags, whatever the size of the fleet. */
export async function* ringDevicesOf(
  finder: ServerStore['finder'],
  plan: RolloutPlan,
  manifest: ReleaseManifest,
): AsyncGenerator<DeviceRecord> {
  const ringTags = [...new Set(plan.waves.flatMap((wave) => wave.ringTags))];
  if (ringTags.length === 0) return;
  const tagged: DeviceQuery = { kind: 'tag', in: ringTags.map((text) => ({ kind: 'exactly', text })) };
  const query: DeviceQuery = { kind: 'and', of: [...conditionsOf(plan, manifest), tagged] };
  let after: DeviceId | undefined;
  for (;;) {
    const page = await finder.findDevices(query, {
      ...(after === undefined ? {} : { after }),
      limit: PAGE_DEVICES,
      now: NO_INSTANT,
    });
    for (const { record } of page) {
      const { deviceId, attributes, status } = record;
      if (matchAudience(plan.audience, { deviceId, attributes, version: status.running.version })) yield record;
    }
    if (page.length < PAGE_DEVICES) return;
    after = page.at(-1)?.record.deviceId;
  }
}

/** A question about what devices share names no instant. */
const NO_INSTANT = fleetInstant(0);

function conditionsOf({ deviceType }: RolloutPlan, { components }: ReleaseManifest): readonly DeviceQuery[] {
  return [oneOf('deviceType', [deviceType]), ...components.map((one) => oneOf('hardwareId', one.hardwareIds))];
}

/** The devices a rollout is for, counted by segment, and how many of them stand in a ring of any of its waves. */
export interface CountedAudience {
  readonly populations: readonly { readonly segment: SegmentId; readonly population: number }[];
  readonly ringDevices: number;
}

/**
 * Counts the devices of the rollout's type, on the release's hardware and in its audience; with `region`, of that one. Sums of
 * what the registry keeps count of, and a look at the devices that the audience names: its time does not grow with the fleet.
 */
export async function countAudience(
  { registry, finder }: Pick<ServerStore, 'registry' | 'finder'>,
  plan: RolloutPlan,
  manifest: ReleaseManifest,
  region?: string,
): Promise<CountedAudience> {
  const { audience, segmentBy } = plan;
  const ringTags = plan.waves.flatMap((wave) => wave.ringTags);
  const query: DeviceQuery = {
    kind: 'and',
    of: [
      ...conditionsOf(plan, manifest),
      ...(region === undefined ? [] : [oneOf('region', [region])]),
      audienceQuery(audience),
    ],
  };
  const counts = new Map<SegmentId, number>();
  let ringDevices = 0;
  for (const segment of await finder.countSegments(query, { segmentBy, ringTags })) {
    counts.set(segment.segment, segment.devices);
    ringDevices += segment.ringDevices;
  }
  // Those that are named were counted as if they were not.
  const unnamed = withoutNamed(audience);
  for await (const { deviceId, attributes, status } of devicesOf(registry, namedDevices(audience))) {
    const isMeant =
      attributes.deviceType === plan.deviceType &&
      (region === undefined || attributes.region === region) &&
      manifest.components.every((one) => one.hardwareIds.includes(attributes.hardwareId));
    if (!isMeant) continue;
    const subject = { deviceId, attributes, version: status.running.version };
    const change = Number(matchAudience(audience, subject)) - Number(matchAudience(unnamed, subject));
    // Attribute values are parsed by the same pattern as ids: this is the constructor of a segment.
    const segment = attributes[segmentBy] as SegmentId;
    counts.set(segment, (counts.get(segment) ?? 0) + change);
    if (attributes.tags.some((tag) => ringTags.includes(tag))) ringDevices += change;
  }
  const populations = [...counts]
    .filter(([, population]) => population > 0)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([segment, population]) => ({ segment, population }));
  return { populations, ringDevices };
}

/** Devices of one read by their ids. */
const NAMED_DEVICES_MAX = 500;

async function* devicesOf(registry: Registry, deviceIds: readonly DeviceId[]): AsyncGenerator<DeviceRecord> {
  for (let first = 0; first < deviceIds.length; first += NAMED_DEVICES_MAX) {
    const found = await registry.loadDevices(deviceIds.slice(first, first + NAMED_DEVICES_MAX));
    for (const { record } of found) yield record;
  }
}
