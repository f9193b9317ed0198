// SPDX-License-Identifier: Apache-2.0
import type { DdiStore } from '@outrider/domain/gateway/ddi/ports';
import type { Registry } from '@outrider/domain/gateway/ports';
import { appendAudit } from './audit.ts';
import type { MemoryState } from './state.ts';

export function memoryDdi(state: MemoryState, registry: Registry): DdiStore {
  const { ddiDevices } = state;
  return {
    async addDevices(devices, note) {
      const registered = await registry.register(devices.map((one) => one.record));
      const added = devices.filter((_, index) => registered[index]?.ok === true);
      for (const { ddi } of added) if (!ddiDevices.has(ddi.deviceId)) ddiDevices.set(ddi.deviceId, ddi);
      if (added.length > 0) appendAudit(state, note);
      return registered;
    },
    async loadDevices(deviceIds) {
      return [...new Set(deviceIds)].flatMap((deviceId) => ddiDevices.get(deviceId) ?? []);
    },
    async changeDevice(deviceId, change, note) {
      const held = ddiDevices.get(deviceId);
      const changed = held === undefined ? undefined : change(held);
      if (changed === undefined) return held;
      ddiDevices.set(deviceId, changed);
      if (note !== undefined) appendAudit(state, note);
      return changed;
    },
  };
}
