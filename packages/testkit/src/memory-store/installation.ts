// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';

export function memoryInstallation(): InstallationSettings {
  const settings = new Map<string, string>();
  return {
    async loadSetting(key) {
      return settings.get(key);
    },
    async storeSetting(key, value) {
      settings.set(key, value);
    },
    async settleSetting(key, value) {
      const held = settings.get(key);
      if (held !== undefined) return held;
      settings.set(key, value);
      return value;
    },
  };
}
