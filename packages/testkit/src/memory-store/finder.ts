// SPDX-License-Identifier: Apache-2.0
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { DeviceStanding, StandingRow } from '@outrider/domain/gateway/explain-rollout';
import { COUNTED_DEVICES_MAX, type DeviceFinder, type ImageCount } from '@outrider/domain/gateway/finder-ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { isAboutProfiles, matchQuery } from '@outrider/domain/gateway/query-match';
import type { DeviceId, RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { LedgerEntry, MemoryState } from './state.ts';

export function memoryFinder(state: MemoryState): DeviceFinder {
  function matching(query: DeviceQuery, now: FleetInstant): readonly DeviceRecord[] {
    return ascending(state).filter((record) => matchQuery(query, record, now));
  }

  return {
    async findDevices(query, { after = '', limit, now }) {
      return matching(query, now)
        .filter(({ deviceId }) => deviceId > after)
        .slice(0, limit)
        .map((record) => ({ record, attributesRevision: state.attributeRevisions.get(record.deviceId) ?? 1 }));
    },
    async countDevices(query, now) {
      const devices = matching(query, now).length;
      const isExact = isAboutProfiles(query) || devices <= COUNTED_DEVICES_MAX;
      return { devices: isExact ? devices : COUNTED_DEVICES_MAX, isExact };
    },
    async countSegments(query, { segmentBy, ringTags }) {
      const counts = new Map<string, { readonly devices: number; readonly ringDevices: number }>();
      // The query is about what devices share, so no instant matters.
      for (const { attributes } of matching(query, NO_INSTANT)) {
        const { devices, ringDevices } = counts.get(attributes[segmentBy]) ?? { devices: 0, ringDevices: 0 };
        const isRing = attributes.tags.some((tag) => ringTags.includes(tag));
        counts.set(attributes[segmentBy], { devices: devices + 1, ringDevices: ringDevices + (isRing ? 1 : 0) });
      }
      // A value of an attribute that the registration has parsed is a segment.
      return [...counts].map(([segment, count]) => ({ segment: segment as SegmentId, ...count }));
    },
    async countImages(deviceType) {
      const counts = new Map<string, ImageCount>();
      for (const { attributes, status } of state.devices.values()) {
        if (attributes.deviceType !== deviceType) continue;
        for (const { name: component, digest } of status.running.components) {
          const key = `${component} ${digest}`;
          counts.set(key, { component, digest, devices: (counts.get(key)?.devices ?? 0) + 1 });
        }
      }
      return [...counts.values()];
    },
    async loadStandings(rolloutId, { deviceType, after = '', limit }) {
      return ascending(state)
        .filter(({ deviceId, attributes }) => attributes.deviceType === deviceType && deviceId > after)
        .slice(0, limit)
        .map((device) => standingOf(state, device, rolloutId));
    },
  };
}

const NO_INSTANT = fleetInstant(0);

function ascending({ devices }: MemoryState): readonly DeviceRecord[] {
  return [...devices.values()].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
}

function standingOf(state: MemoryState, device: DeviceRecord, rolloutId: RolloutId): DeviceStanding {
  const entries = (state.ledgerOfDevice.get(device.deviceId) ?? []).filter(
    ({ outcome }) => outcome.row.rolloutId === rolloutId,
  );
  const [enrolment, rollback] = [rowOf(entries, 'enrolment'), rowOf(entries, 'rollback')];
  const hasFailed = [enrolment, rollback].some((row) => (row?.revertedAt ?? row?.installFailedAt) !== undefined);
  const detail = hasFailed ? detailOf(state, device.deviceId, rolloutId) : undefined;
  const { deviceId, attributes, status } = device;
  const { lastContactAt, running, state: told } = status;
  return {
    device: { deviceId, attributes, status: { lastContactAt, running, state: told } },
    ...(enrolment === undefined ? {} : { enrolment }),
    ...(rollback === undefined ? {} : { rollback }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function rowOf(entries: readonly LedgerEntry[], kind: 'enrolment' | 'rollback'): StandingRow | undefined {
  const outcome = entries
    .map((one) => one.outcome)
    .filter(({ row }) => row.kind === kind)
    .sort((a, b) => b.row.enrolment - a.row.enrolment)[0];
  if (outcome === undefined) return undefined;
  const { row, verifiedAt, revertedAt, installFailedAt, crashedAt } = outcome;
  return {
    arm: row.arm,
    grantedAt: row.grantedAt,
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    ...(revertedAt === undefined ? {} : { revertedAt }),
    ...(installFailedAt === undefined ? {} : { installFailedAt }),
    ...(crashedAt === undefined ? {} : { crashedAt }),
  };
}

function detailOf({ reports }: MemoryState, deviceId: DeviceId, rolloutId: RolloutId): string | undefined {
  return reports
    .map((one) => one.report)
    .filter((one) => one.deviceId === deviceId && one.rolloutId === rolloutId)
    .filter(({ event }) => event === 'reverted' || event === 'install-failed')
    .sort((a, b) => b.sequence - a.sequence)[0]?.detail;
}
