// SPDX-License-Identifier: Apache-2.0
import { SERVER_SETTINGS } from '@outrider/adapters/server/server-settings';
import { settingsSchema } from '@outrider/adapters/shared/settings/settings-schema';
import { shownSettings } from '@outrider/adapters/shared/settings/shown-settings';
import type { Command } from 'commander';
import { type OutputFlags, showList } from '../output.ts';
import { type SettingsFlags, serverSettings } from '../server-settings.ts';
import type { World } from '../world.ts';

/** `outrider config`: what a server on this machine would start with, and why. */
export function configNoun(program: Command, world: World): void {
  const config = program.command('config').description('the settings of a server on this machine');

  config
    .command('show')
    .description('every setting with its value and where it was said; secrets are "set" or "not set"')
    .option('--data <folder>', 'data folder of the server (default: OUTRIDER_DATA, else .outrider in the checkout)')
    .option('--config <file>', 'configuration file (default: outrider.json in the data folder)')
    .option('--json', 'print JSON')
    .action((flags: SettingsFlags & OutputFlags) => showConfig(world, flags));

  config
    .command('schema')
    .description('print the JSON Schema of the configuration file, for editors and generators')
    .action(() => world.write(settingsSchema(SERVER_SETTINGS, SERVER_SCHEMA_TITLE)));
}

/** As in docs/server.schema.json. */
export const SERVER_SCHEMA_TITLE = 'Settings of the Outrider server';

function showConfig(world: World, flags: SettingsFlags & OutputFlags): void {
  const settings = serverSettings(world, flags);
  for (const { sentence } of settings.notices) world.log(sentence);
  const rows = shownSettings(SERVER_SETTINGS, settings);
  showList(world, flags, {
    json: JSON.stringify({ items: rows }),
    noun: 'setting',
    rows,
    columns: [
      { title: 'setting', cell: ({ name }) => name },
      { title: 'value', cell: ({ value }) => value },
      { title: 'from', cell: ({ from }) => from },
    ],
  });
}
