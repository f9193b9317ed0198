// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../../kernel/canonical-json.ts';

/**
 * The canonical JSON that TUF's signatures cover, or undefined for what has no such form: keys in the order of their code
 * points, no white space, whole numbers only, and in texts only quote and backslash escaped. It is not RFC 8785.
 * Source: OLPC "Canonical JSON", as TUF 1.0 §4.2 names it; compared with python-tuf.
 */
export function tufCanonical(value: Json): string | undefined {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value + 0) : undefined;
  const members: string[] = [];
  if (isList(value)) {
    for (const item of value) {
      const text = tufCanonical(item);
      if (text === undefined) return undefined;
      members.push(text);
    }
    return `[${members.join(',')}]`;
  }
  const keys = Object.keys(value);
  for (const key of keys.every((one) => LOW.test(one)) ? keys.sort() : keys.sort(byCodePoint)) {
    const member = value[key];
    if (member === undefined) continue;
    const text = tufCanonical(member);
    if (text === undefined) return undefined;
    members.push(`${quoted(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

function quoted(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

const SPECIAL = /["\\]/;

/** Below the surrogates both orders are one, and the language's own is a quarter of the cost. */
const LOW = /^[\0-\ud7ff]*$/;

/** UTF-16 order puts what lies beyond the first plane before U+E000; code points do not. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let index = 0; index < left.length && index < right.length; index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
