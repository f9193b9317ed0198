// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { CommandLine } from './command-line.ts';
import type { ConfigFile } from './config-file.ts';
import { nearestName } from './nearest-name.ts';
import { allowedIn, type Setting, type SettingsOf, type SettingsTable } from './setting.ts';
import { type SettingValue, type ValueFault, valueOfJson, valueOfText } from './setting-value.ts';

/** Where settings come from; a flag wins over the environment, the environment over the file, the file over defaults. */
export interface SettingSources {
  readonly flags: CommandLine;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file?: ConfigFile | undefined;
  /** Relative paths of flags and variables start here; those of the file beside it. */
  readonly workingFolder: string;
}

/** Where the value of a setting was said. */
export type Origin =
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'default' }
  | { readonly kind: 'not-set' };

/** Which of the sources is heard first. */
export const ORIGIN_RANK = { flag: 3, environment: 2, file: 1, default: 0, 'not-set': 0 } as const satisfies Readonly<
  Record<Origin['kind'], number>
>;

export interface EffectiveSettings<T extends SettingsTable> {
  readonly values: SettingsOf<T>;
  readonly origins: Readonly<Record<keyof T, Origin>>;
}

/** Why a program does not start: a sentence with what is wrong, the value seen (never a secret) and what is allowed. */
export interface SettingFault {
  readonly code: 'setting-malformed' | 'setting-unknown' | 'setting-missing';
  readonly sentence: string;
}

/** What may stand in a file beside settings: it lets an editor check and complete them. */
export const SCHEMA_MEMBER = '$schema';

/** Reads every setting of a table from its sources, and checks each value. */
export function readSettings<T extends SettingsTable>(
  table: T,
  sources: SettingSources,
): Result<EffectiveSettings<T>, SettingFault> {
  const unknown = unknownMember(table, sources.file);
  if (unknown !== undefined) return err(unknown);
  const values: Record<string, SettingValue | undefined> = {};
  const origins: Record<string, Origin> = {};
  for (const [name, setting] of Object.entries(table)) {
    const said = saidIn(name, setting, sources);
    if (!said.ok) return said;
    const { value, origin } = said.value;
    values[name] = value;
    origins[name] = origin;
  }
  // A wrong value is said first: it may be why another is missing.
  for (const [name, setting] of Object.entries(table)) {
    if (values[name] === undefined && setting.isNeeded) return err(missing(name, setting));
  }
  // Each value was checked against its own shape, and each name of the table has one.
  return ok({ values, origins } as unknown as EffectiveSettings<T>);
}

interface Said {
  readonly value: SettingValue | undefined;
  readonly origin: Origin;
}

function saidIn(name: string, setting: Setting, sources: SettingSources): Result<Said, SettingFault> {
  const { flags, environment, file, workingFolder } = sources;
  const flagged = setting.flag === undefined ? undefined : flags.get(setting.flag);
  if (setting.flag !== undefined && flagged !== undefined) {
    const origin = { kind: 'flag', flag: setting.flag } as const;
    return said(setting, { origin, value: valueOfFlag(setting, flagged), folder: workingFolder, name });
  }
  const { variable } = setting;
  const text = environment[variable];
  if (text !== undefined) {
    const origin = { kind: 'environment', variable } as const;
    return said(setting, { origin, value: valueOfText(setting, text), folder: workingFolder, name });
  }
  if (file !== undefined && Object.hasOwn(file.members, name)) {
    const origin = { kind: 'file', path: file.path } as const;
    const value = valueOfJson(setting, file.members[name]);
    return said(setting, { origin, value, folder: dirname(file.path), name });
  }
  return ok({ value: setting.default, origin: { kind: setting.default === undefined ? 'not-set' : 'default' } });
}

/** A list takes all of a flag's values; of anything else the last one holds. */
function valueOfFlag(setting: Setting, flagged: readonly (string | boolean)[]) {
  if (setting.shape.kind === 'texts') return valueOfJson(setting, flagged);
  const last = flagged.at(-1) ?? '';
  return typeof last === 'boolean' ? valueOfJson(setting, last) : valueOfText(setting, last);
}

function said(
  setting: Setting,
  found: {
    readonly origin: Origin;
    readonly value: Result<SettingValue, ValueFault>;
    readonly folder: string;
    readonly name: string;
  },
): Result<Said, SettingFault> {
  const { origin, value, folder, name } = found;
  if (!value.ok) {
    const place = placeOf(origin, name);
    const sentence = `${place} is ${value.error.seen}, allowed is ${allowedIn(setting.shape)}`;
    return err({ code: 'setting-malformed', sentence });
  }
  const isPath = setting.shape.kind === 'path' && typeof value.value === 'string';
  return ok({ value: isPath ? resolve(folder, String(value.value)) : value.value, origin });
}

/** Names the place as a person finds it. */
export function placeOf(origin: Origin, name: string): string {
  switch (origin.kind) {
    case 'flag':
      return `The flag --${origin.flag}`;
    case 'environment':
      return `The environment variable ${origin.variable}`;
    case 'file':
      return `The setting "${name}" in ${origin.path}`;
    default:
      return `The setting "${name}"`;
  }
}

function missing(name: string, { flag, variable, sentence }: Setting): SettingFault {
  const place = flag === undefined ? `The setting "${name}"` : `The flag --${flag}`;
  const ways = `give it a value, there, in ${variable} or as "${name}" in a configuration file`;
  return { code: 'setting-missing', sentence: `${place} is missing (${lowered(sentence)}); ${ways}` };
}

function lowered(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}

function unknownMember(table: SettingsTable, file: ConfigFile | undefined): SettingFault | undefined {
  const names = Object.keys(table);
  const unknown = Object.keys(file?.members ?? {}).find((name) => name !== SCHEMA_MEMBER && !names.includes(name));
  if (file === undefined || unknown === undefined) return undefined;
  const near = nearestName(unknown, names);
  const advice = near === undefined ? `allowed are ${names.join(', ')}` : `did you mean "${near}"?`;
  const sentence = `The setting "${unknown.slice(0, NAME_CHARACTERS_MAX)}" in ${file.path} is unknown; ${advice}`;
  return { code: 'setting-unknown', sentence };
}

/** A misplaced value, a password perhaps, is longer than any name of ours. */
const NAME_CHARACTERS_MAX = 40;
