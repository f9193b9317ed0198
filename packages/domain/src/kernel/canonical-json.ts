// SPDX-License-Identifier: Apache-2.0
import { assert } from './assert.ts';

/** A value of JSON; `undefined` members are left out when it is written. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * One text for one value: keys sorted by UTF-16 code unit, no white space, `undefined` members left out, finite numbers
 * only. The same as RFC 8785 (JCS) for the values Outrider uses. Signed documents and event logs are written with it.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return textOf(value);
  if (value === null || typeof value === 'boolean') return `${value}`;
  if (typeof value === 'number') {
    assert(Number.isFinite(value), `a finite number in canonical JSON, got ${value}`);
    // JSON.stringify writes a number as a template does (ECMA-262 §25.5.2.2), minus zero as 0 too.
    return `${value}`;
  }
  // Plain loops: each message of each device is written here, and lists of members made it three times as long.
  let members = '';
  if (isArray(value)) {
    for (const item of value) members += members === '' ? canonicalJson(item) : `,${canonicalJson(item)}`;
    return `[${members}]`;
  }
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    members += members === '' ? keyText(key) + canonicalJson(member) : `,${keyText(key)}${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

/** Ids, digests and codes, which most texts are, need no escape and no writer for it. */
function textOf(text: string): string {
  return text.length <= PLAIN_CHARACTERS_MAX && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

const PLAIN = /^[\w .:+/=@-]*$/;
/** Longer texts hold whole documents, and one quote in them would make the look vain. */
const PLAIN_CHARACTERS_MAX = 128;

/** What was read from canonical JSON is in order already; the language's own sort is for many, and begins with copies of them. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  if (keys.length > INSERTED_MAX) return keys.sort();
  for (let at = 1; at < keys.length; at++) {
    // Every index is one of the list.
    const key = keys[at] as string;
    let place = at;
    for (; place > 0 && (keys[place - 1] as string) > key; place--) keys[place] = keys[place - 1] as string;
    if (place < at) keys[place] = key;
  }
  return keys;
}

/** Up to so many keys are put in their places one by one: half the square of it in steps, at worst. */
const INSERTED_MAX = 16;

/** `"key":`, remembered for the names that formats have; a table with foreign keys must not fill the memory. */
function keyText(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const text = `${JSON.stringify(key)}:`;
  if (keyTexts.size < KEY_TEXTS_MAX) keyTexts.set(key, text);
  return text;
}

const keyTexts = new Map<string, string>();
/** All formats of Outrider together have some hundreds of names. */
const KEY_TEXTS_MAX = 1_000;

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
