// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { ParseError } from './parse-error.ts';

/**
 * Turns an unknown JSON value into a value of the domain, or says where it is wrong. Total: never throws. Readers are
 * built from smaller ones; the path of an error grows from the inside out, so that a good message costs nothing for it.
 */
export type Reader<T> = (value: unknown) => Result<T, ParseError>;

/** A field that may be absent. */
export interface OptionalReader<T> {
  readonly optional: Reader<T>;
}

/** A reader for each field of `T`, optional ones marked: a field forgotten here is a compile error. */
export type Fields<T> = {
  readonly [Name in keyof T]-?: Record<never, never> extends Pick<T, Name>
    ? OptionalReader<Exclude<T[Name], undefined>>
    : Reader<T[Name]>;
};

/** An object with these fields; others are left out. */
export function record<T>(fields: Fields<T>): Reader<T> {
  const entries: readonly (readonly [string, Reader<unknown> | OptionalReader<unknown>])[] = Object.entries(fields);
  return (value) => {
    if (!isObject(value)) return malformed(value, 'an object');
    const found: Record<string, unknown> = {};
    for (const [name, field] of entries) {
      const isOptional = typeof field === 'object';
      if (!Object.hasOwn(value, name)) {
        if (isOptional) continue;
        return err(below(`.${name}`, { ...ABSENT, allowed: 'a value: the field must be there' }));
      }
      const read = (isOptional ? field.optional : field)(value[name]);
      if (!read.ok) return err(below(`.${name}`, read.error));
      found[name] = read.value;
    }
    // Every field of T has been read by its own reader: this is the constructor.
    return ok(found as T);
  };
}

/** Marks a field that may be absent (but not null). */
export function optional<T>(reader: Reader<T>): OptionalReader<T> {
  return { optional: reader };
}

/** A list of at most `countMax` and at least `countMin` (0) items. */
export function listOf<T>(
  reader: Reader<T>,
  count: { readonly countMin?: number; readonly countMax: number },
): Reader<readonly T[]> {
  const { countMin = 0, countMax } = count;
  return (value) => {
    if (!isList(value) || value.length < countMin || value.length > countMax) {
      return malformed(value, `a list of ${countMin} to ${countMax} items`);
    }
    const found: T[] = [];
    for (const [index, item] of value.entries()) {
      const read = reader(item);
      if (!read.ok) return err(below(`[${index}]`, read.error));
      found.push(read.value);
    }
    return ok(found);
  };
}

/** One member of a closed union, told apart by its `kind`. */
export function variant<T extends { readonly kind: string }>(
  readers: {
    readonly [Kind in T['kind']]: Reader<Extract<T, { readonly kind: Kind }>>;
  },
): Reader<T> {
  const byKind = new Map<unknown, Reader<T>>(Object.entries<Reader<T>>(readers));
  const allowed = `an object whose kind is one of ${Object.keys(readers).join(', ')}`;
  return (value) => {
    if (!isObject(value)) return malformed(value, allowed);
    const reader = byKind.get(value.kind);
    return reader === undefined ? err(below('.kind', faultOf(value.kind, allowed))) : reader(value);
  };
}

/** Exactly this text or number. */
export function literal<const T extends string | number>(expected: T): Reader<T> {
  return (value) => (value === expected ? ok(expected) : malformed(value, JSON.stringify(expected)));
}

/** One of these texts. */
export function oneOf<const T extends string>(texts: readonly T[]): Reader<T> {
  const allowed = `one of ${texts.join(', ')}`;
  return (value) => {
    const found = texts.find((text) => text === value);
    return found === undefined ? malformed(value, allowed) : ok(found);
  };
}

/** One of the keys of a table over a closed union: a member forgotten in the table is a compile error. */
export function keyOf<T extends string>(table: Readonly<Record<T, unknown>>): Reader<T> {
  // A record over T has the keys of T.
  return oneOf(Object.keys(table) as T[]);
}

/**
 * One of the keys of a table in an answer; a code that a later server added reads as `instead`, the most general one. So a
 * device in the field goes by the rest of the answer and does not take it for a broken one.
 */
export function keyOr<T extends string>(table: Readonly<Record<T, unknown>>, instead: NoInfer<T>): Reader<T> {
  const known = keyOf(table);
  const isCode = text({ charactersMin: 1, charactersMax: CODE_CHARACTERS_MAX });
  return (value) => {
    const found = known(value);
    if (found.ok) return found;
    const code = isCode(value);
    return code.ok ? ok(instead) : found;
  };
}

/** True or false. */
export function bool(value: unknown): Result<boolean, ParseError> {
  return typeof value === 'boolean' ? ok(value) : malformed(value, 'true or false');
}

/** A text within these limits that every store can hold: no U+0000 and no half of a surrogate pair. */
export function text(limit: { readonly charactersMin?: number; readonly charactersMax: number }): Reader<string> {
  const { charactersMin = 0, charactersMax } = limit;
  const allowed = `a text of ${charactersMin} to ${charactersMax} characters without U+0000 and lone surrogates`;
  return (value) => {
    if (typeof value !== 'string') return malformed(value, allowed);
    if (value.length < charactersMin || value.length > charactersMax) return malformed(value, allowed);
    return UNSTORABLE.test(value) ? malformed(value, allowed) : ok(value);
  };
}

/** A whole number from `min` to `max`, both included, in the range where every number is exact. */
export function whole(limit: { readonly min: number; readonly max?: number }): Reader<number> {
  const { min, max = Number.MAX_SAFE_INTEGER } = limit;
  const allowed = `a whole number from ${min} to ${max}`;
  return (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return malformed(value, allowed);
    // Adding zero turns minus zero into zero.
    return value < min || value > max ? malformed(value, allowed) : ok(value + 0);
  };
}

/** A finite number from `min` to `max`, both included. */
export function finite(limit: { readonly min: number; readonly max: number }): Reader<number> {
  const allowed = `a number from ${limit.min} to ${limit.max}`;
  return (value) => {
    if (typeof value !== 'number' || !(value >= limit.min && value <= limit.max)) return malformed(value, allowed);
    return ok(value + 0);
  };
}

/** What another parser of the domain makes of the value; `allowed` says what it takes. */
export function parsedBy<T>(parse: (value: unknown) => Result<T, unknown>, allowed: string): Reader<T> {
  return (value) => {
    const parsed = parse(value);
    return parsed.ok ? ok(parsed.value) : malformed(value, allowed);
  };
}

/** The error for a value that is not what is allowed; the path is still empty. */
export function malformed(value: unknown, allowed: string): Result<never, ParseError> {
  return err(faultOf(value, allowed));
}

/** The error as seen from the parent: `step` is `.name` or `[index]`. */
export function below(step: string, error: ParseError): ParseError {
  return { ...error, path: `${step}${error.path}` };
}

/** A short account of a value for messages. Longer texts are cut, lists and objects only counted. */
function describe(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (typeof value === 'string') {
    const isLong = value.length > SEEN_CHARACTERS_MAX;
    return isLong ? `a text of ${value.length} characters` : `the text ${JSON.stringify(value)}`;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return isList(value) ? `a list of ${value.length} items` : 'an object';
}

/** Twice the longest code there is. */
const CODE_CHARACTERS_MAX = 64;

/** Texts longer than this are counted, not shown: 40 is less than any key, signature or token of ours has. */
const SEEN_CHARACTERS_MAX = 40;

/** `\p{Surrogate}` in a Unicode pattern matches only halves without their other half. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

const ABSENT: ParseError = { code: 'body-malformed', path: '', seen: 'absent', allowed: '' };

/** The same as a value, where a reader is not at hand. */
export function faultOf(value: unknown, allowed: string): ParseError {
  return { code: 'body-malformed', path: '', seen: describe(value), allowed };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
