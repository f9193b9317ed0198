// SPDX-License-Identifier: Apache-2.0
import { charterFault } from '@outrider/domain/gateway/charter-gate';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import type { RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Counters } from './counters.ts';

/** Counts, by its name, why a device lies outside the charter of its rollout. Only called where it does. */
export function countCharterFault(
  counters: Counters,
  asked: {
    readonly snapshot: PolicySnapshot;
    readonly record: DeviceRecord;
    readonly rolloutId: RolloutId | undefined;
    readonly now: FleetInstant;
  },
): void {
  const { snapshot, record, rolloutId, now } = asked;
  const live = rolloutId === undefined ? undefined : snapshot.rollouts.get(rolloutId);
  if (live === undefined) return;
  // A value of an attribute that the registration has parsed.
  const segment = record.attributes[live.rollout.plan.segmentBy] as SegmentId;
  const fault = charterFault(live.charter, { deviceId: record.deviceId, segment }, now);
  if (fault !== undefined) counters.add('charter', fault.code);
}
