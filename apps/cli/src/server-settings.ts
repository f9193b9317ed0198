// SPDX-License-Identifier: Apache-2.0
import { readServerSettings, type ServerSettings } from '@outrider/adapters/server/server-settings';
import type { ProgramFault } from '@outrider/adapters/shared/settings/program-settings';
import type { Result } from '@outrider/domain/kernel/result';
import { dataFolder } from './connection.ts';
import { usageFailure } from './failure.ts';
import type { World } from './world.ts';

/** Flags that say where the settings of a server on this machine are. */
export interface SettingsFlags {
  readonly data?: string;
  readonly config?: string;
}

/** The settings a server would start with from here; `further` are words for the server's own command line. */
export function findServerSettings(
  world: World,
  flags: SettingsFlags,
  further: readonly string[] = [],
): Result<ServerSettings, ProgramFault> {
  const named = [
    ...(flags.data === undefined ? [] : [`--data=${flags.data}`]),
    ...(flags.config === undefined ? [] : [`--config=${flags.config}`]),
    ...further,
  ];
  const read = (parameters: readonly string[]) =>
    readServerSettings({ parameters, environment: world.environment, workingFolder: world.workingFolder });
  const settings = read(named);
  // No data folder was named anywhere: the command line has one of its own.
  if (settings.ok || settings.error.code !== 'setting-missing') return settings;
  return read([`--data=${dataFolder(world, {})}`, ...named]);
}

/** As `findServerSettings`; what is wrong with them ends the command. */
export function serverSettings(world: World, flags: SettingsFlags, further: readonly string[] = []): ServerSettings {
  const settings = findServerSettings(world, flags, further);
  if (!settings.ok) throw usageFailure(settings.error.sentence);
  return settings.value;
}
