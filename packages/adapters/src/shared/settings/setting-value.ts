// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { Setting, Shape } from './setting.ts';

/** Any value that a setting can have, already checked against its shape. */
export type SettingValue = string | number | boolean | readonly string[];

/** The value is none of those allowed; `seen` describes it, a secret by its length alone. */
export interface ValueFault {
  readonly seen: string;
}

/** Reads what stands after a flag or in an environment variable. */
export function valueOfText(setting: Setting, text: string): Result<SettingValue, ValueFault> {
  const value = valueIn(setting.shape, jsonOfText(setting.shape, text));
  return value === undefined ? err({ seen: describeSeen(setting, text, text) }) : ok(value);
}

/** Reads what stands in a configuration file. */
export function valueOfJson(setting: Setting, json: unknown): Result<SettingValue, ValueFault> {
  const value = valueIn(setting.shape, json);
  // In quotes: "80" in a file is another thing than 80.
  return value === undefined ? err({ seen: describeSeen(setting, json, JSON.stringify(json)) }) : ok(value);
}

/** What a text would be in a file; a text that is no number or list stays a text, and is refused as one. */
function jsonOfText(shape: Shape, text: string): unknown {
  switch (shape.kind) {
    case 'whole':
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case 'switch':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'texts':
      return parsedList(text);
    default:
      return text;
  }
}

function parsedList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return text;
    throw cause;
  }
}

function valueIn(shape: Shape, json: unknown): SettingValue | undefined {
  switch (shape.kind) {
    case 'whole':
      return typeof json === 'number' && Number.isSafeInteger(json) && json >= shape.min && json <= shape.max
        ? json
        : undefined;
    case 'switch':
      return typeof json === 'boolean' ? json : undefined;
    case 'choice':
      return shape.choices.find((choice) => choice === json);
    case 'texts':
      return Array.isArray(json) && json.length <= TEXTS_MAX && json.every((one) => isText(one, shape.pattern))
        ? json
        : undefined;
    case 'text':
      return isText(json, shape.pattern) ? json : undefined;
    case 'path':
      return isText(json, PATH) ? json : undefined;
    case 'url':
      return isText(json, urlPattern(shape.protocols)) && URL.parse(json) !== null ? json : undefined;
  }
}

/** A person writes these by hand. */
export const TEXTS_MAX = 1_000;
/** PATH_MAX of Linux; a longer one could not be opened anyway. */
export const TEXT_CHARACTERS_MAX = 4_096;
/** An empty path would be the working folder, as where a variable of a script was not set; NUL ends a path early. */
const PATH = /^[^\0]+$/;

/** `https://` with something behind it. */
export function urlPattern(protocols: readonly string[]): RegExp {
  return new RegExp(`^(${protocols.join('|')})//[^\\s]+$`);
}

function isText(json: unknown, pattern: RegExp): json is string {
  return typeof json === 'string' && json.length <= TEXT_CHARACTERS_MAX && pattern.test(json);
}

/** Long enough to recognise, short enough for one sentence. */
const SEEN_CHARACTERS_MAX = 80;

function describeSeen({ isSecret }: Setting, json: unknown, written: string): string {
  if (json === '') return 'an empty text';
  if (isSecret) return typeof json === 'string' ? `a text of ${json.length} characters` : 'no text';
  // Credentials can stand in any URL, whatever the setting is for.
  const text = withoutCredentials(written);
  return text.length <= SEEN_CHARACTERS_MAX ? text : `${text.slice(0, SEEN_CHARACTERS_MAX)}...`;
}

/** `https://user:password@host` as `https://host`, also where the text as a whole is no URL. */
export function withoutCredentials(text: string): string {
  // Up to the last @: a password that was not encoded may hold a slash or an @ itself.
  return text.replaceAll(/:\/\/\S*@/g, '://');
}
