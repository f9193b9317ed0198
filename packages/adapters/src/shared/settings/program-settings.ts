// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type CommandLine, type FurtherFlags, readCommandLine } from './command-line.ts';
import { type ConfigFault, type ConfigFile, loadConfigFile } from './config-file.ts';
import { nearestName } from './nearest-name.ts';
import { type EffectiveSettings, placeOf, readSettings, type SettingFault } from './read-settings.ts';
import type { SettingsTable } from './setting.ts';

/** A program's table of settings, and how it finds its configuration file. */
export interface Program<T extends SettingsTable> {
  readonly table: T;
  /** The setting that names the data folder. */
  readonly dataSetting: keyof T & string;
  /** The name of its configuration file in the data folder, where no other is named. */
  readonly defaultFile: string;
  /** The environment variable that names a configuration file, as `--config` does. */
  readonly configVariable: string;
  /** All variables of this program begin so. */
  readonly variablePrefix: string;
  /** Variables with that prefix that are somebody else's. */
  readonly foreignVariables: RegExp;
  /** Flags beside the table's own and `--config`. */
  readonly further: FurtherFlags;
}

/** What a program was started with. */
export interface ProgramStart {
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
}

export interface ProgramSettings<T extends SettingsTable> extends EffectiveSettings<T> {
  readonly commandLine: CommandLine;
  readonly file: ConfigFile | undefined;
  /** Sentences about what works and should be looked at. */
  readonly notices: readonly SettingNotice[];
}

export interface SettingNotice {
  readonly code: 'config-readable-by-others' | 'variable-unknown';
  readonly sentence: string;
}

export interface ProgramFault {
  readonly code: SettingFault['code'] | ConfigFault['code'] | 'flag-malformed';
  readonly sentence: string;
}

/** Splits the command line, finds the configuration file and reads every setting. */
export function readProgramSettings<T extends SettingsTable>(
  program: Program<T>,
  start: ProgramStart,
): Result<ProgramSettings<T>, ProgramFault> {
  const { table, further } = program;
  const commandLine = readCommandLine(table, { config: 'text', ...further }, start.parameters);
  if (!commandLine.ok) return err({ code: 'flag-malformed', sentence: commandLine.error });
  const file = findFile(program, start, commandLine.value);
  if (!file.ok) return file;
  const sources = { ...start, flags: commandLine.value, file: file.value };
  const settings = readSettings(table, sources);
  if (!settings.ok) return settings;
  const notices = [...noticesOfFile(table, file.value), ...noticesOfVariables(program, start.environment)];
  return ok({ ...settings.value, commandLine: commandLine.value, file: file.value, notices });
}

/** The file that was named, which must be there, or the data folder's own, which need not. */
function findFile<T extends SettingsTable>(
  { table, dataSetting, defaultFile, configVariable }: Program<T>,
  { environment, workingFolder }: ProgramStart,
  commandLine: CommandLine,
): Result<ConfigFile | undefined, ProgramFault> {
  const flag = commandLine.get('config')?.at(-1);
  const named = typeof flag === 'string' ? flag : environment[configVariable];
  if (named === '') {
    const place = placeOf(
      flag === undefined ? { kind: 'environment', variable: configVariable } : { kind: 'flag', flag: 'config' },
      'config',
    );
    return err({ code: 'setting-malformed', sentence: `${place} is an empty text, allowed is the path of a file` });
  }
  if (named !== undefined) return loadConfigFile(resolve(workingFolder, named));
  const setting = table[dataSetting];
  const folder = commandLine.get(setting?.flag ?? '')?.at(-1) ?? environment[setting?.variable ?? ''];
  if (typeof folder !== 'string' || folder === '') return ok(undefined);
  const found = loadConfigFile(join(resolve(workingFolder, folder), defaultFile));
  // One that is there and cannot be read is refused: without it another installation would start.
  return found.ok || found.error.code !== 'config-missing' ? found : ok(undefined);
}

function noticesOfFile(table: SettingsTable, file: ConfigFile | undefined): readonly SettingNotice[] {
  if (file === undefined || !file.isReadableByOthers) return [];
  const secret = Object.keys(table).find((name) => table[name]?.isSecret && Object.hasOwn(file.members, name));
  if (secret === undefined) return [];
  const sentence = `The configuration file ${file.path} holds the secret "${secret}" and others may read it; run \`chmod 600\` on it`;
  return [{ code: 'config-readable-by-others', sentence }];
}

/** A misspelt variable is silently without effect: it is at least said. */
function noticesOfVariables<T extends SettingsTable>(
  { table, configVariable, variablePrefix, foreignVariables }: Program<T>,
  environment: ProgramStart['environment'],
): readonly SettingNotice[] {
  const known = [configVariable, ...Object.values(table).map(({ variable }) => variable)];
  return Object.keys(environment)
    .filter((name) => name.startsWith(variablePrefix) && !known.includes(name) && !foreignVariables.test(name))
    .map((name) => {
      const near = nearestName(name, known);
      const advice = near === undefined ? 'unset it' : `did you mean ${near}?`;
      return { code: 'variable-unknown', sentence: `The environment variable ${name} is no setting; ${advice}` };
    });
}
