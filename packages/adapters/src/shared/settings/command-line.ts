// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { nearestName } from './nearest-name.ts';
import type { SettingsTable } from './setting.ts';
import { withoutCredentials } from './setting-value.ts';

/** What a command line says: texts by flag; a switch has none. */
export type CommandLine = ReadonlyMap<string, readonly (string | boolean)[]>;

/** Flags beside the table's own, such as `config` and `help`. */
export type FurtherFlags = Readonly<Record<string, 'text' | 'switch'>>;

/** Splits a command line into the flags of a table; the error is a sentence, which never repeats a value. */
export function readCommandLine(
  table: SettingsTable,
  further: FurtherFlags,
  parameters: readonly string[],
): Result<CommandLine, string> {
  const kinds = kindsOf(table, further);
  const { tokens } = parseArgs({
    args: [...parameters],
    options: Object.fromEntries([...kinds].map(([flag, kind]) => [flag, { type: TYPES[kind], multiple: true }])),
    strict: false,
    tokens: true,
  });
  const found = new Map<string, (string | boolean)[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') {
      if (token.kind === 'option-terminator') continue;
      return err(`Word ${token.index + 1} of the command line belongs to no flag; write each value after its flag`);
    }
    const value = flagValue(kinds, token);
    if (!value.ok) return value;
    const flag = kinds.has(token.name) ? token.name : token.name.replace(/^no-/, '');
    found.set(flag, [...(found.get(flag) ?? []), value.value]);
  }
  return ok(found);
}

const TYPES = { text: 'string', switch: 'boolean' } as const;

function kindsOf(table: SettingsTable, further: FurtherFlags): ReadonlyMap<string, 'text' | 'switch'> {
  const own = Object.values(table).flatMap(({ flag, shape }) =>
    flag === undefined ? [] : ([[flag, shape.kind === 'switch' ? 'switch' : 'text']] as const),
  );
  return new Map([...own, ...Object.entries(further)]);
}

function flagValue(
  kinds: ReadonlyMap<string, 'text' | 'switch'>,
  token: {
    readonly name: string;
    readonly rawName: string;
    readonly value?: string | undefined;
    readonly inlineValue?: boolean | undefined;
  },
): Result<string | boolean, string> {
  const { name, rawName, inlineValue } = token;
  // `--data --port 0`: the next flag is no value of this one; a value that begins with a dash is written `--data=-x`.
  const value = inlineValue === false && token.value?.startsWith('-') ? undefined : token.value;
  const isNegative = !kinds.has(name) && name.startsWith('no-') && kinds.get(name.slice(3)) === 'switch';
  const kind = isNegative ? 'switch' : kinds.get(name);
  if (kind === undefined) {
    const near = nearestName(name, [...kinds.keys()]);
    const seen = withoutCredentials(rawName).slice(0, NAME_CHARACTERS_MAX);
    return err(`The flag ${seen} is unknown; ${near === undefined ? 'see --help' : `did you mean --${near}?`}`);
  }
  if (kind === 'switch') {
    return value === undefined ? ok(!isNegative) : err(`The flag ${rawName} takes no value; write it alone`);
  }
  return value === undefined ? err(`The flag ${rawName} is without a value; write one after it`) : ok(value);
}

/** A misplaced value, a password perhaps, is longer than any flag of ours. */
const NAME_CHARACTERS_MAX = 40;
