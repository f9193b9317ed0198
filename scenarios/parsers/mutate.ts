// SPDX-License-Identifier: Apache-2.0
import { canonicalJson, type Json } from '@outrider/domain/kernel/canonical-json';
import { below, type Prng } from '@outrider/domain/kernel/prng';

/** How inputs are drawn from golden ones. */
export interface Draw {
  readonly source: Prng;
  /** Values that fast-check has drawn: what nobody would think of. */
  readonly strange: readonly unknown[];
}

/** One text made from a golden one: seven times in ten by its structure, so that it passes the outer parse, else by its characters. */
export function mutatedText(golden: string, draw: Draw): string {
  const isStructural = below(draw.source, 10) < 7;
  if (!isStructural) return splicedText(golden, draw);
  const changes = 1 + below(draw.source, 3);
  let value: unknown = JSON.parse(golden);
  for (let change = 0; change < changes; change++) value = mutatedValue(value, draw);
  // A signed payload is read in one form alone: most of them are given it.
  return below(draw.source, 5) === 0 ? JSON.stringify(value) : canonicalText(value);
}

/** Bytes made from golden ones: bits turned, parts cut, doubled, or replaced. */
export function mutatedBytes(golden: Uint8Array, { source }: Draw): Uint8Array {
  const bytes = Uint8Array.from(golden);
  const at = below(source, Math.max(1, bytes.length));
  switch (below(source, 5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(Math.floor(at / 2))]);
    case 2:
      return Uint8Array.from({ length: below(source, 300) }, () => below(source, 256));
    default: {
      for (let turn = 1 + below(source, 4); turn > 0; turn--) {
        const place = below(source, Math.max(1, bytes.length));
        bytes[place] = (bytes[place] ?? 0) ^ (1 << below(source, 8));
      }
      return bytes;
    }
  }
}

/** The value with one of its members, at any depth, replaced, taken away, doubled, renamed or wrapped. */
function mutatedValue(value: unknown, draw: Draw): unknown {
  const { source } = draw;
  if (typeof value !== 'object' || value === null || below(source, 12) === 0) return replacement(value, draw);
  if (Array.isArray(value)) {
    const at = below(source, Math.max(1, value.length));
    switch (below(source, 4)) {
      case 0:
        return value.filter((_, index) => index !== at);
      case 1:
        return [...value, ...value.slice(at)];
      default:
        return value.map((one, index) => (index === at ? mutatedValue(one, draw) : one));
    }
  }
  const entries = Object.entries(value);
  const at = below(source, Math.max(1, entries.length));
  switch (below(source, 8)) {
    case 0:
      return Object.fromEntries(entries.filter((_, index) => index !== at));
    case 1:
      return { ...value, [KEYS[below(source, KEYS.length)] ?? 'x']: strangeOf(draw) };
    default:
      return Object.fromEntries(
        entries.map(([key, one], index) => [key, index === at ? mutatedValue(one, draw) : one]),
      );
  }
}

function replacement(value: unknown, draw: Draw): unknown {
  const { source } = draw;
  if (typeof value === 'number' && below(source, 2) === 0) return NUMBERS[below(source, NUMBERS.length)];
  if (typeof value === 'string' && below(source, 2) === 0) return splicedText(value, draw);
  switch (below(source, 4)) {
    case 0:
      return [value];
    case 1:
      return nested(value, 1 + below(source, 60));
    default:
      return strangeOf(draw);
  }
}

function strangeOf({ source, strange }: Draw): unknown {
  return strange[below(source, strange.length)];
}

function nested(value: unknown, depth: number): unknown {
  let outer = value;
  for (let level = 0; level < depth; level++) outer = level % 2 === 0 ? [outer] : { x: outer };
  return outer;
}

/** Cut, and something put in between: a character, a run of one, a digit too many. */
function splicedText(text: string, { source }: Draw): string {
  const at = below(source, text.length + 1);
  const cut = below(source, 6);
  const piece = PIECES[below(source, PIECES.length)] ?? '';
  return text.slice(0, at) + piece + text.slice(at + cut);
}

function canonicalText(value: unknown): string {
  try {
    // What JSON.parse and fast-check made is JSON; what is not is told by the exception.
    return canonicalJson(value as Json);
  } catch {
    return JSON.stringify(value) ?? 'null';
  }
}

const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'kind',
  'schema',
  '',
  '\u0000',
  'payload',
  'x'.repeat(300),
] as const;

const NUMBERS = [0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e21, -1e21, 1e308, 5e-324] as const;

const PIECES = [
  ...[
    '',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\u0000',
    '\uD800',
    '\uDFFF',
    '🚗',
    'ä',
    ' ',
    '\n',
    '\\u0000',
    '-',
    'e',
  ],
  ...['null', 'true', '1e999', '__proto__', '../', '%00', 'a'.repeat(5_000), '['.repeat(2_000), '9'.repeat(400)],
] as const;
