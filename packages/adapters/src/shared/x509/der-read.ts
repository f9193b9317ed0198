// SPDX-License-Identifier: Apache-2.0

/** One element of DER as it was found. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length: what a signature covers. */
  readonly whole: Uint8Array;
}

/** Elements of one level: a certificate request has four at most, a name a handful. */
const ELEMENTS_MAX = 64;

/** Reads one element that fills these bytes wholly. Undefined: it is no DER. */
export function readWhole(bytes: Uint8Array): DerElement | undefined {
  const read = readElement(bytes, 0);
  return read?.whole.byteLength === bytes.byteLength ? read : undefined;
}

/** Reads the elements that fill these bytes one after another. Undefined: they are no DER, or too many. */
export function readAll(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const read = elements.length < ELEMENTS_MAX ? readElement(bytes, at) : undefined;
    if (read === undefined) return undefined;
    elements.push(read);
    at += read.whole.byteLength;
  }
  return elements;
}

/** The elements within one of this tag. Undefined: it has another tag, or no elements inside. */
export function within(parent: DerElement | undefined, tag: number): readonly DerElement[] | undefined {
  return parent?.tag === tag ? readAll(parent.content) : undefined;
}

/** Strict: definite lengths in their shortest form, tags of one byte (X.690 §10.1). */
function readElement(bytes: Uint8Array, at: number): DerElement | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let length = first;
  let begin = at + 2;
  if (first >= 0x80) {
    const digits = first - 0x80;
    if (digits < 1 || digits > LENGTH_DIGITS_MAX) return undefined;
    length = 0;
    for (const digit of bytes.subarray(begin, begin + digits)) length = length * 256 + digit;
    begin += digits;
    const isShortest = length >= 0x80 && bytes[at + 2] !== 0;
    if (!isShortest) return undefined;
  }
  const end = begin + length;
  if (end > bytes.byteLength) return undefined;
  return { tag, content: bytes.subarray(begin, end), whole: bytes.subarray(at, end) };
}

/** 16 MB: more than any message of ours. */
const LENGTH_DIGITS_MAX = 3;
