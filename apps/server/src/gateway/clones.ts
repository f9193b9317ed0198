// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import { type BootsSeen, isCloned, withBoot } from '@outrider/domain/gateway/clone-watch';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { BOOT_HEADER } from '@outrider/protocol/gateway/request-signature';
import type { Log } from '../ports.ts';
import type { Counters } from './counters.ts';
import type { DeviceRequest } from './device-request.ts';
import { ownText } from './own-text.ts';

/** Watches for one key in two places. It flags, and does nothing else: which of both is the honest one a person decides. */
export interface Clones {
  note(record: DeviceRecord, request: DeviceRequest): void;
}

/** Devices that are watched at a time: those heard of last. */
const WATCHED_MAX = 200_000;

const BOOT = /^[0-9a-f]{32}$/;

/** Under which the suspicion is kept: the key in question as its value, so that a new key is beyond it. */
export function suspicionSetting(deviceId: DeviceId): string {
  return `clone-suspected/${deviceId}`;
}

export function clones(options: {
  readonly installation: InstallationSettings;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
  readonly log: Log;
}): Clones {
  const { installation, fleetClock, counters, log } = options;
  const watched = new Map<DeviceId, BootsSeen>();

  /** On record once for a key, whichever gateway was first. */
  async function suspect({ deviceId, publicKey: { keyId } }: DeviceRecord, { boots }: BootsSeen): Promise<void> {
    counters.add('identity', 'clone-suspected');
    log.warn(
      { stage: 'gateway', code: 'clone-suspected', deviceId, keyId },
      'A key of a device speaks from two places',
    );
    await installation.changeSetting(suspicionSetting(deviceId), keyId, {
      at: fleetClock.now(),
      actor: 'server',
      action: 'device-clone-suspected',
      subject: deviceId,
      detail: `key ${keyId}, starts ${boots.map((boot) => boot.slice(0, 8)).join(' and ')} take turns`,
    });
  }

  return {
    note(record, { headers }) {
      const boot = headers[BOOT_HEADER];
      if (typeof boot !== 'string' || !BOOT.test(boot)) return;
      const { deviceId } = record;
      const before = watched.get(deviceId);
      if (withBoot(before, boot) === before) return;
      const seen = withBoot(before, ownText(boot));
      watched.delete(deviceId);
      watched.set(ownText(deviceId), seen);
      const [oldest] = watched.size > WATCHED_MAX ? watched.keys() : [];
      if (oldest !== undefined) watched.delete(oldest);
      if (!isCloned(seen) || (before !== undefined && isCloned(before))) return;
      suspect(record, seen).catch((cause: unknown) => {
        // The next return tells it again.
        if (before !== undefined) watched.set(deviceId, before);
        log.warn({ stage: 'gateway', code: 'store-away', err: cause }, 'A suspicion of a clone could not be recorded');
      });
    },
  };
}
