// SPDX-License-Identifier: Apache-2.0
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId, SegmentId } from '@outrider/domain/kernel/ids';
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

/** The devices of the rollout's type, on the release's hardware and in its audience. */
export async function* audienceDevices(
  registry: Registry,
  plan: RolloutPlan,
  manifest: ReleaseManifest,
): AsyncGenerator<DeviceRecord> {
  for await (const record of allDevices(registry)) {
    const { deviceId, attributes, status } = record;
    if (attributes.deviceType !== plan.deviceType) continue;
    if (!manifest.components.every((one) => one.hardwareIds.includes(attributes.hardwareId))) continue;
    if (matchAudience(plan.audience, { deviceId, attributes, version: status.running.version })) yield record;
  }
}

/** The devices a rollout is for, counted by segment, and how many of them stand in a ring of any of its waves. */
export interface CountedAudience {
  readonly populations: readonly { readonly segment: SegmentId; readonly population: number }[];
  readonly ringDevices: number;
}

/** Counts the devices of the rollout's type, on the release's hardware and in its audience; with `region`, of that one. */
export async function countAudience(
  registry: Registry,
  plan: RolloutPlan,
  manifest: ReleaseManifest,
  region?: string,
): Promise<CountedAudience> {
  const ringTags = plan.waves.flatMap((wave) => wave.ringTags);
  const counts = new Map<string, number>();
  let ringDevices = 0;
  for await (const { attributes } of audienceDevices(registry, plan, manifest)) {
    if (region !== undefined && attributes.region !== region) continue;
    const segment = attributes[plan.segmentBy];
    counts.set(segment, (counts.get(segment) ?? 0) + 1);
    if (attributes.tags.some((tag) => ringTags.includes(tag))) ringDevices++;
  }
  const populations = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    // A segment is a value of an attribute that the registration has parsed.
    .map(([segment, population]) => ({ segment: segment as SegmentId, population }));
  return { populations, ringDevices };
}
