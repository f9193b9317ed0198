// SPDX-License-Identifier: Apache-2.0
import type { DeviceImporter } from '@outrider/domain/gateway/finder-ports';
import { durationMs } from '@outrider/domain/kernel/time';
import type { Log, Schedule } from '../ports.ts';
import type { KnownDevices } from './known-devices.ts';

/** Keeps the devices in memory as the registry has them, whichever server took an import in. */
export interface RegistryFollower {
  /** Reads what is new. Throws when the store is away. */
  refresh(): Promise<void>;
  /** Reads again and again; answers with the way to end it. */
  start(): () => void;
}

/** How long a gateway may answer by attributes that have been changed; one query of an empty range is what it costs. */
const FOLLOW_EVERY_MS = durationMs(1_000);

/** Changes of one read. */
const CHANGES_MAX = 5_000;

export function registryFollower(options: {
  readonly importer: DeviceImporter;
  readonly devices: KnownDevices;
  readonly schedule: Schedule;
  readonly log: Log;
}): RegistryFollower {
  const { importer, devices, schedule, log } = options;
  /** Undefined until the first read: what is in memory then has been read before any change that comes later. */
  let position: number | undefined;
  let formerPosition = 0;
  let underWay: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    if (position === undefined) {
      position = await importer.lastAttributeChange();
      formerPosition = position;
      return;
    }
    // The last read's changes once more: a device that registered meanwhile may have come into memory after it.
    let from = formerPosition;
    formerPosition = position;
    for (;;) {
      const changes = await importer.loadAttributeChanges({ afterPosition: from, limit: CHANGES_MAX });
      for (const { deviceId, attributes } of changes) devices.changeAttributes(deviceId, attributes);
      from = changes.at(-1)?.position ?? from;
      position = Math.max(position, from);
      if (changes.length < CHANGES_MAX) return;
    }
  }

  function refresh(): Promise<void> {
    underWay = underWay.then(read, read);
    return underWay;
  }

  return {
    refresh,
    start() {
      let isEnded = false;
      let isAway = false;
      async function again(): Promise<void> {
        try {
          await refresh();
          isAway = false;
        } catch (cause) {
          if (!isAway)
            log.warn({ stage: 'gateway', code: 'registry-away', err: cause }, 'Changed attributes cannot be read');
          isAway = true;
        }
        if (!isEnded) cancel = schedule.after(FOLLOW_EVERY_MS, () => void again());
      }
      let cancel = schedule.after(durationMs(0), () => void again());
      return () => {
        isEnded = true;
        cancel();
      };
    },
  };
}
