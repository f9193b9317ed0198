// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';

/** Tags of ASN.1 that certificates are made of (X.690 §8). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: tag, length, content (X.690 §8.1). */
export function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.byteLength), content]);
}

/** A SEQUENCE of elements. */
export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(TAG.sequence, Buffer.concat(parts));
}

/** A SET of one element: more would have to be sorted, and names have no more. */
export function setOf(part: Uint8Array): Buffer {
  return element(TAG.set, part);
}

/** A field with a context tag around it: `[number] EXPLICIT`. */
export function explicit(number: number, part: Uint8Array): Buffer {
  return element(0xa0 + number, part);
}

/** A whole number of at least zero, from its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  assert(bytes.byteLength > 0, 'an integer of one byte at least');
  let first = 0;
  while (first < bytes.byteLength - 1 && bytes[first] === 0) first++;
  const digits = bytes.subarray(first);
  // The highest bit is the sign (X.690 §8.3.3).
  return element(TAG.integer, (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return element(TAG.bitString, Buffer.concat([Buffer.from([0]), bytes]));
}

/** A BIT STRING that names bits, the first one first; bits that are not set at the end are left out (X.690 §11.2.2). */
export function namedBits(...set: readonly number[]): Buffer {
  const highest = Math.max(...set);
  assert(highest < 8, `bits of the first byte, got ${highest}`);
  const byte = set.reduce((all, bit) => all | (0x80 >> bit), 0);
  return element(TAG.bitString, Buffer.from([7 - highest, byte]));
}

/** An OBJECT IDENTIFIER from its dotted text. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  return element(TAG.oid, Buffer.from([first * 40 + second, ...others.flatMap(baseOf128)]));
}

/** A text. */
export function utf8(text: string): Buffer {
  return element(TAG.utf8, Buffer.from(text, 'utf8'));
}

/** True; false is the default wherever certificates have a BOOLEAN, and defaults are left out (X.690 §11.5). */
export function isTrue(): Buffer {
  return element(TAG.boolean, Buffer.from([0xff]));
}

/** An instant in whole seconds: UTCTime up to 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5). */
export function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  const isShort = Number(text.slice(0, 4)) < 2050;
  return element(isShort ? TAG.utcTime : TAG.generalizedTime, Buffer.from(isShort ? text.slice(2) : text, 'ascii'));
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from([0x80 + digits.length, ...digits]);
}

function baseOf128(count: number): readonly number[] {
  const digits = [count % 128];
  for (let rest = Math.floor(count / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 + (rest % 128));
  return digits;
}
