// SPDX-License-Identifier: Apache-2.0
import { joinedHistory } from '@outrider/domain/gateway/contact-history';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { durationMs } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import type { Schedule } from '../ports.ts';
import { type DeviceCacheOptions, deviceCache } from './device-cache.ts';
import { groupCommit } from './group-commit.ts';
import type { HashKey } from './id-hash.ts';

/** The devices this gateway has in memory, so that a check-in in the steady state costs no query. */
export interface KnownDevices {
  /** The device if it is in memory. */
  peek(deviceId: DeviceId): KnownDevice | undefined;
  /** The device, read together with all others that are missed within 2 ms; undefined when it is not registered. */
  find(deviceId: DeviceId): Promise<KnownDevice | undefined>;
  /**
   * The device as of its message of this sequence. Numbers that this gateway did not see were spoken to another one, which
   * may have committed rows for the device: it is read anew then, and once more at its next message, since a request that
   * the device gave up may still have been under way. Without a gap nothing is read. `isJustRead`: it was read for this very
   * message. Throws when the store is away.
   */
  current(
    device: KnownDevice,
    message: { readonly sequence: number; readonly isJustRead: boolean },
  ): Promise<KnownDevice>;
  /** Whether a message of this sequence follows what is known, so that `current` would answer with `device` at once. */
  isCurrent(device: KnownDevice, sequence: number): boolean;
  keep(device: KnownDevice): void;
  /** The same of a device whose status alone has changed. */
  keepNoted(device: KnownDevice): void;
  /** Takes in what an import has changed, also into a device that is being read: what comes of it may be from before. */
  changeAttributes(deviceId: DeviceId, attributes: DeviceAttributes): void;
  /** Takes it out of memory: the next request reads it anew. For writes whose outcome is unknown. */
  forget(deviceId: DeviceId): void;
}

/** Devices kept in memory unless another number is set: at about 170 bytes each beside their ledger rows, 170 MB. */
const DEVICES_KEPT_MAX = 1_000_000;

/** All misses of this time share one query: a cold start of a gateway costs queries by the hundred, not by the device. */
const GATHER_MS = durationMs(2);

/** Devices of one read: answered in one turn of the event loop, so few that nobody else waits for it. */
const BATCH_DEVICES_MAX = 64;

/** Devices that may wait for a read, about a second of a cold gateway's load. */
const WAITING_MAX = 20_000;

/** Of the table of ids where nobody who is not trusted chooses them: in the simulator and in tests. */
const OPEN_HASH_KEY: HashKey = [0, 0];

export interface KnownDevicesOptions extends Partial<DeviceCacheOptions> {
  /** Told of a device that may have spoken to another gateway since it spoke to this one. */
  readonly onGap?: (deviceId: DeviceId) => void;
}

export function knownDevices(
  registry: Registry,
  schedule: Schedule,
  { devicesMax = DEVICES_KEPT_MAX, hashKey = OPEN_HASH_KEY, onGap = () => undefined }: KnownDevicesOptions = {},
): KnownDevices {
  /** Those that are marked are to be read once more at their next message. */
  const devices = deviceCache({ devicesMax, hashKey });
  /** While a read is under way: the changes that came meanwhile. Absent: none is. */
  let changedMeanwhile: Map<DeviceId, DeviceAttributes> | undefined;
  const reads = groupCommit<DeviceId, KnownDevice | undefined>({
    itemsMax: BATCH_DEVICES_MAX,
    waitingMax: WAITING_MAX,
    gatherMs: GATHER_MS,
    schedule,
    async commit(deviceIds) {
      const changed = new Map<DeviceId, DeviceAttributes>();
      changedMeanwhile = changed;
      try {
        const found = await registry.loadDevices([...new Set(deviceIds)]);
        const byId = new Map(
          found.map((device) => [device.record.deviceId, withAttributes(device, changed.get(device.record.deviceId))]),
        );
        return deviceIds.map((deviceId) => byId.get(deviceId));
      } finally {
        changedMeanwhile = undefined;
      }
    },
  });

  return {
    peek: (deviceId) => devices.get(deviceId),
    async find(deviceId) {
      const known = devices.get(deviceId);
      if (known !== undefined) return known;
      const read = await reads.add(deviceId);
      // Somebody else's read may have come first and moved on since: what is in memory is the newer one.
      const kept = devices.get(deviceId);
      if (kept !== undefined || read === undefined) return kept;
      onGap(deviceId);
      devices.set(read);
      return read;
    },
    async current(device, { sequence, isJustRead }) {
      const { deviceId, status } = device.record;
      const isNext = sequence <= status.sequence + 1;
      const wasSuspect = devices.isMarked(deviceId);
      devices.setMarked(deviceId, !isNext);
      if (isNext && !wasSuspect) return device;
      onGap(deviceId);
      if (isJustRead) return device;
      const read = await reads.add(deviceId);
      if (read === undefined) return device;
      const merged = mergedDevice(devices.get(deviceId) ?? device, read);
      devices.set(merged);
      return merged;
    },
    isCurrent({ record: { deviceId, status } }, sequence) {
      return sequence <= status.sequence + 1 && !devices.isMarked(deviceId);
    },
    keep: (device) => devices.set(device),
    keepNoted(device) {
      const { deviceId, status } = device.record;
      if (devices.has(deviceId)) devices.setStatus(deviceId, status);
      else devices.set(device);
    },
    changeAttributes(deviceId, attributes) {
      changedMeanwhile?.set(deviceId, attributes);
      const known = devices.get(deviceId);
      if (known !== undefined) devices.set(withAttributes(known, attributes));
    },
    forget(deviceId) {
      onGap(deviceId);
      devices.delete(deviceId);
    },
  };
}

function withAttributes(device: KnownDevice, attributes: DeviceAttributes | undefined): KnownDevice {
  return attributes === undefined ? device : { ...device, record: { ...device.record, attributes } };
}

/** What the store has, with what this gateway knows beyond it: a status that is not written yet, a row just committed. */
function mergedDevice(known: KnownDevice, read: KnownDevice): KnownDevice {
  const { status } = known.record;
  const isNewer = status.sequence > read.record.status.sequence;
  const contactHistory = joinedHistory(read.record.status, status);
  const newest = isNewer ? { ...status, ...(contactHistory !== undefined && { contactHistory }) } : read.record.status;
  const stored = new Set(read.ledger.map(({ permitId }) => permitId));
  const ownRows = known.ledger.filter(({ permitId }) => !stored.has(permitId));
  return { record: { ...read.record, status: newest }, ledger: [...read.ledger, ...ownRows] };
}
