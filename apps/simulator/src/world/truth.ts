// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '@outrider/domain/kernel/ids';

/** What really happened, whatever anybody reported: kept by the world, never shown to a server. */
export interface WorldTruth {
  /** This version failed its health check on this device because of a defect. */
  noteHarm(deviceId: DeviceId, version: string): void;
  /** Devices harmed by this version, each once. */
  harmedBy(version: string): ReadonlySet<DeviceId>;
}

export function worldTruth(): WorldTruth {
  const harmed = new Map<string, Set<DeviceId>>();
  return {
    noteHarm(deviceId, version) {
      const devices = harmed.get(version) ?? new Set();
      harmed.set(version, devices.add(deviceId));
    },
    harmedBy: (version) => harmed.get(version) ?? new Set(),
  };
}
