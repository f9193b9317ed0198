// SPDX-License-Identifier: Apache-2.0

/** Two secret words of 32 bits, which make a hash nobody else's: who chooses ids cannot choose which of them meet in a table. */
export type HashKey = readonly [number, number];

/** An id taken apart: written anew by each `packId`, so that no look costs an object. */
export interface PackedId {
  /** The characters, four a word, the first one lowest; the last word is filled up with zeros. */
  readonly words: Uint32Array;
  /** Characters. */
  length: number;
  hash: number;
}

/** Longer ids are not packed. A UUID has 36 characters. */
export const PACKED_CHARACTERS_MAX = 40;
const PACKED_WORDS_MAX = PACKED_CHARACTERS_MAX / 4;

export function packedId(): PackedId {
  return { words: new Uint32Array(PACKED_WORDS_MAX), length: 0, hash: 0 };
}

/**
 * Packs and hashes an id; false, and nothing of use in `packed`, when it is too long or no ASCII. The hash is HalfSipHash-1-3
 * (Aumasson and Bernstein's SipHash in 32-bit words, one round a word and three at the end), as hash tables of other languages
 * have it: quick for short texts, and not to be foreseen without the key.
 */
export function packId(id: string, key: HashKey, packed: PackedId): boolean {
  const { length } = id;
  if (length > PACKED_CHARACTERS_MAX) return false;
  const { words } = packed;
  let v0 = key[0] | 0;
  let v1 = key[1] | 0;
  let v2 = key[0] ^ 0x6c796765;
  let v3 = key[1] ^ 0x74656462;
  let all = 0;
  const whole = length >> 2;
  for (let index = 0; index <= whole + FINAL_ROUNDS; index++) {
    let word = 0;
    if (index <= whole) {
      const at = index << 2;
      const left = length - at;
      const first = left > 0 ? id.charCodeAt(at) : 0;
      const second = left > 1 ? id.charCodeAt(at + 1) : 0;
      const third = left > 2 ? id.charCodeAt(at + 2) : 0;
      const fourth = left > 3 ? id.charCodeAt(at + 3) : 0;
      all |= first | second | third | fourth;
      word = first | (second << 8) | (third << 16) | (fourth << 24);
      if (left > 0) words[index] = word;
      if (index === whole) word |= length << 24;
    } else if (index === whole + 1) v2 ^= 0xff;
    // One round, written out: taken apart into functions it would need the four words in an array.
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  if (all > ASCII_MAX) return false;
  packed.length = length;
  packed.hash = (v1 ^ v3) >>> 0;
  return true;
}

const FINAL_ROUNDS = 3;
const ASCII_MAX = 0x7f;
