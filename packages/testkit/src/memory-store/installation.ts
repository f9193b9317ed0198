// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import { appendAudit } from './audit.ts';
import type { MemoryState } from './state.ts';

export function memoryInstallation(state: MemoryState): InstallationSettings {
  const settings = new Map<string, string>();
  return {
    async loadSetting(key) {
      return settings.get(key);
    },
    async storeSetting(key, value, note) {
      settings.set(key, value);
      if (note !== undefined) appendAudit(state, note);
    },
    async changeSetting(key, value, note) {
      if (settings.get(key) === value) return false;
      settings.set(key, value);
      appendAudit(state, note);
      return true;
    },
    async settleSetting(key, value) {
      const held = settings.get(key);
      if (held !== undefined) return held;
      settings.set(key, value);
      return value;
    },
  };
}
