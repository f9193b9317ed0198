// SPDX-License-Identifier: Apache-2.0
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { durationMs } from '@outrider/domain/kernel/time';
import type { Schedule } from '../ports.ts';
import { groupCommit } from './group-commit.ts';

/** The devices this gateway has in memory, so that a check-in in the steady state costs no query. */
export interface KnownDevices {
  /** The device if it is in memory. */
  peek(deviceId: DeviceId): KnownDevice | undefined;
  /** The device, read together with all others that are missed within 2 ms; undefined when it is not registered. */
  find(deviceId: DeviceId): Promise<KnownDevice | undefined>;
  keep(device: KnownDevice): void;
  /** Takes it out of memory: the next request reads it anew. For writes whose outcome is unknown. */
  forget(deviceId: DeviceId): void;
}

/** Devices kept in memory: at about 1.5 KB each in V8, 300 MB. Those not heard from for longest leave first. */
const DEVICES_KEPT_MAX = 200_000;

/** All misses of this time share one query: a cold start of a gateway costs queries by the hundred, not by the device. */
const GATHER_MS = durationMs(2);

/** Devices of one read: a `= any($1)` over 500 primary keys stays well under a millisecond. */
const BATCH_DEVICES_MAX = 500;

/** Devices that may wait for a read, about a second of a cold gateway's load. */
const WAITING_MAX = 20_000;

export function knownDevices(registry: Registry, schedule: Schedule): KnownDevices {
  const devices = new Map<DeviceId, KnownDevice>();
  const reads = groupCommit<DeviceId, KnownDevice | undefined>({
    itemsMax: BATCH_DEVICES_MAX,
    waitingMax: WAITING_MAX,
    gatherMs: GATHER_MS,
    schedule,
    async commit(deviceIds) {
      const found = await registry.loadDevices([...new Set(deviceIds)]);
      const byId = new Map(found.map((device) => [device.record.deviceId, device]));
      return deviceIds.map((deviceId) => byId.get(deviceId));
    },
  });

  function keep(device: KnownDevice): void {
    const { deviceId } = device.record;
    // A Map keeps the order of insertion: taken out and put back, the device is the youngest.
    devices.delete(deviceId);
    devices.set(deviceId, device);
    if (devices.size <= DEVICES_KEPT_MAX) return;
    const oldest = devices.keys().next();
    if (!oldest.done) devices.delete(oldest.value);
  }

  return {
    peek: (deviceId) => devices.get(deviceId),
    async find(deviceId) {
      const known = devices.get(deviceId);
      if (known !== undefined) return known;
      const read = await reads.add(deviceId);
      // Somebody else's read may have come first and moved on since: what is in memory is the newer one.
      const kept = devices.get(deviceId);
      if (kept !== undefined || read === undefined) return kept;
      keep(read);
      return read;
    },
    keep,
    forget: (deviceId) => void devices.delete(deviceId),
  };
}
