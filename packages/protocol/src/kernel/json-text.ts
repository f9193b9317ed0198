// SPDX-License-Identifier: Apache-2.0
import { canonicalJson, type Json } from '@outrider/domain/kernel/canonical-json';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { utf8Length } from '@outrider/domain/trust/envelope';
import { NESTING_DEPTH_MAX } from './limits.ts';
import type { ParseError } from './parse-error.ts';
import { below, type Reader } from './reader.ts';

/** What a text should be: its noun names it in errors. */
export interface TextFormat<T> {
  readonly noun: string;
  readonly bytesMax: number;
  readonly reader: Reader<T>;
  /** True for signed payloads: exactly one text may stand for a value, so that no two readers can differ about it. */
  readonly isCanonical?: boolean;
}

/**
 * Reads one JSON text as `format` says: size, nesting, syntax, then every field. Never throws, whatever the text.
 * Members that the format does not know are left out, so that a newer sender is understood. Code: body-malformed.
 */
export function parseText<T>(text: string, format: TextFormat<T>): Result<T, ParseError> {
  const fault = (seen: string, allowed: string) =>
    err<ParseError>({ code: 'body-malformed', path: format.noun, seen, allowed });
  if (isLongerThan(text, format.bytesMax)) {
    return fault(`${utf8Length(text)} bytes`, `at most ${format.bytesMax} bytes`);
  }
  const depth = hasFewBrackets(text) ? 0 : nestingDepth(text);
  if (depth > NESTING_DEPTH_MAX) return fault(`nested ${depth} deep`, `at most ${NESTING_DEPTH_MAX} levels`);
  const json = parseJson(text);
  if (!json.ok) return fault('not JSON', 'one JSON value (RFC 8259)');
  if (format.isCanonical && !isCanonicalText(text, json.value)) {
    return fault('JSON in another form', 'canonical JSON: keys sorted, no white space, one way to write each value');
  }
  const value = format.reader(json.value);
  return value.ok ? value : err(below(format.noun, value.error));
}

/** Writes a value of the domain as canonical JSON. Values on the wire hold only JSON types. */
export function encodeJson(value: object): string {
  // An interface has no index signature, so the compiler cannot see that its members are JSON.
  return canonicalJson(value as Json);
}

function parseJson(text: string): Result<Json, 'not-json'> {
  try {
    return ok(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof SyntaxError) return err('not-json');
    throw cause;
  }
}

function isLongerThan(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return true;
  // A UTF-16 code unit is at most three bytes of UTF-8: most texts need no counting.
  return text.length * 3 > bytesMax && utf8Length(text) > bytesMax;
}

/** Whether a text opens too few brackets, in strings or outside, to be nested too deep: most messages are known by that. */
function hasFewBrackets(text: string): boolean {
  let left = NESTING_DEPTH_MAX;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      left--;
      if (left < 0) return false;
    }
  }
  return true;
}

/** Depth of brackets outside strings. Counted before parsing, so that no recursion ever sees more. */
function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (isInString) {
      if (unit === BACKSLASH) index++;
      else if (unit === QUOTE) isInString = false;
    } else if (unit === QUOTE) isInString = true;
    else if (unit === OPEN_BRACKET || unit === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (unit === CLOSE_BRACKET || unit === CLOSE_BRACE) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function isCanonicalText(text: string, json: Json): boolean {
  return isFiniteThroughout(json) && canonicalJson(json) === text;
}

/** `1e999` is valid JSON and becomes infinity. */
function isFiniteThroughout(json: Json | undefined): boolean {
  if (typeof json === 'number') return Number.isFinite(json);
  if (typeof json !== 'object' || json === null) return true;
  return Object.values(json).every(isFiniteThroughout);
}
