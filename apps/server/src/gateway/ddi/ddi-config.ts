// SPDX-License-Identifier: Apache-2.0
import type { DdiStore } from '@outrider/domain/gateway/ddi/ports';
import { attributesWithTold, withTold } from '@outrider/domain/gateway/ddi/told-attributes';
import type { DeviceFinder, DeviceImporter } from '@outrider/domain/gateway/finder-ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { ConfigData } from '@outrider/protocol/gateway/ddi/feedback';
import { underRequest } from '../../trust/changed-by.ts';
import type { Counters } from '../counters.ts';
import type { RegistryFollower } from '../registry-follow.ts';
import type { DdiSender } from './ddi-sender.ts';

/** Takes in what devices tell of themselves. */
export interface DdiConfigDesk {
  /** Kept as it was told; what people left `unknown` is filled in from it. Durable when it returns. */
  take(sender: DdiSender, told: ConfigData): Promise<void>;
}

export function ddiConfigDesk(options: {
  readonly store: DdiStore;
  readonly finder: DeviceFinder;
  readonly importer: DeviceImporter;
  readonly follower: Pick<RegistryFollower, 'refresh'>;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
}): DdiConfigDesk {
  const { store, finder, importer, follower, fleetClock, counters } = options;
  return {
    async take({ ddi: { deviceId } }, { mode, data }) {
      const now = fleetClock.now();
      const told = { at: now, data };
      counters.add('ddi', 'attributes-told');
      const changed = await store.changeDevice(deviceId, (held) => withTold(held, told, mode));
      if (changed?.told === undefined) return;
      const only = { kind: 'text', field: 'deviceId', in: [{ kind: 'exactly', text: deviceId }] } as const;
      const [found] = await finder.findDevices(only, { limit: 1, now });
      const attributes = found && attributesWithTold(found.record.attributes, changed.told);
      if (found === undefined || attributes === undefined) return;
      const { attributesRevision } = found;
      const context = { now, author: 'device', isDryRun: false, ...underRequest() };
      // What somebody changed meanwhile holds: the device tells again what is still unknown.
      await follower.refresh();
      await importer.importDevices([{ deviceId, attributes, attributesRevision }], context);
      await follower.refresh();
    },
  };
}
