// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { SERVER_SETTINGS, type ServerSettings } from '@outrider/adapters/server/server-settings';
import { createFolder } from '@outrider/adapters/shared/files';
import type { Setting } from '@outrider/adapters/shared/settings/setting';
import { type Command, Option } from 'commander';
import { fileFailure, pathOf } from '../files.ts';
import { parsePort } from '../flags.ts';
import { type SettingsFlags, serverSettings } from '../server-settings.ts';
import type { World } from '../world.ts';

/** `outrider up`: the product without the demonstration, as a child process with its own PostgreSQL in the data folder. */
export function upNoun(program: Command, world: World, end: (code: number) => void): void {
  const command = program.command('up').description('run the server with everything it needs; stops with Ctrl-C');
  for (const option of SETTING_OPTIONS) command.addOption(option.option);
  command
    .option('--config <file>', 'configuration file (default: outrider.json in the data folder, if it is there)')
    .option('--log-to-terminal', 'show the log here instead of writing it to server.log')
    .action(async (flags: UpFlags) => end(await up(world, flags)));
}

interface UpFlags extends SettingsFlags {
  readonly logToTerminal?: true;
  /** The server's own flags, by their attribute. */
  readonly [flag: string]: unknown;
}

interface SettingOption {
  readonly name: keyof typeof SERVER_SETTINGS;
  readonly flag: string;
  readonly option: Option;
}

const DATA_DEFAULT = 'OUTRIDER_DATA, else .outrider in the checkout or, installed, in this folder';

/** Each flag of the server is one of `up`. */
const SETTING_OPTIONS: readonly SettingOption[] = Object.entries(SERVER_SETTINGS).flatMap(([name, setting]) =>
  // The names of the table itself.
  'flag' in setting ? [optionOf(name as keyof typeof SERVER_SETTINGS, setting.flag, setting)] : [],
);

function optionOf(name: SettingOption['name'], flag: string, { shape, sentence, ...setting }: Setting): SettingOption {
  if (shape.kind === 'switch') return { name, flag, option: new Option(`--no-${flag}`, `Not: ${sentence}`) };
  const standard = name === 'dataFolder' ? DATA_DEFAULT : setting.default;
  const help = standard === undefined ? sentence : `${sentence} (default: ${standard})`;
  const option = new Option(
    `--${flag} <${shape.kind === 'path' ? 'path' : shape.kind === 'url' ? 'url' : 'value'}>`,
    help,
  );
  if (shape.kind === 'texts') {
    option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
    return { name, flag, option };
  }
  return { name, flag, option: flag === 'port' ? option.argParser(parsePort) : option };
}

async function up(world: World, flags: UpFlags): Promise<number> {
  const settings = serverSettings(world, flags, furtherFlags(flags));
  const { dataFolder } = settings.values;
  try {
    await createFolder(dataFolder, 0o700);
  } catch (cause) {
    throw fileFailure(cause, 'data folder', dataFolder, 'written');
  }
  const logFile = join(dataFolder, 'server.log');
  world.log(
    `Data in ${dataFolder}: the API's token in admin-token; \`outrider device token\` makes tokens for new devices`,
  );
  if (flags.logToTerminal !== true) world.log(`Log in ${logFile}`);
  return world.runProgram({
    name: 'server',
    parameters: [
      ...(flags.config === undefined ? [] : ['--config', pathOf(world, flags.config)]),
      ...SETTING_OPTIONS.flatMap((option) => parametersOf(option, settings)),
    ],
    ...(flags.logToTerminal === true ? {} : { logFile }),
  });
}

/** What was given beside --data and --config, as the server's own words. */
function furtherFlags(flags: UpFlags): readonly string[] {
  return SETTING_OPTIONS.flatMap(({ name, flag, option }) => {
    const value = flags[option.attributeName()];
    if (name === 'dataFolder' || value === undefined || value === true) return [];
    if (Array.isArray(value)) return value.map((one) => `--${flag}=${one}`);
    return value === false ? [`--no-${flag}`] : [`--${flag}=${value}`];
  });
}

/**
 * The words for the server: what was said here by flag, and all paths, which the server would look for where npm has put
 * it. The rest of the environment and the file it reads by itself.
 */
function parametersOf({ name, flag }: SettingOption, { values, origins }: ServerSettings): readonly string[] {
  const { kind } = origins[name];
  const value = values[name];
  const isPath = SERVER_SETTINGS[name].shape.kind === 'path';
  if (value === undefined || !(kind === 'flag' || (isPath && kind === 'environment') || name === 'dataFolder'))
    return [];
  if (typeof value === 'boolean') return [value ? `--${flag}` : `--no-${flag}`];
  if (Array.isArray(value)) return value.flatMap((one) => [`--${flag}`, String(one)]);
  return [`--${flag}`, String(value)];
}
