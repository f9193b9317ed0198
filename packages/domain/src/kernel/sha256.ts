// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from './ids.ts';

/**
 * SHA-256 (FIPS 180-4) of an ASCII text, as eight 32-bit words. Only for the short texts that place a device in a
 * rollout's order: the domain has no I/O and no Node, and the place must be checkable by anyone with `sha256sum`.
 * Bytes of images are hashed by node:crypto behind a port. A test compares this with node:crypto.
 */
export function sha256Words(asciiText: string): Uint32Array {
  hashInto(STATE, asciiText);
  return new Uint32Array(STATE);
}

/** Leaves the eight words in `state`, as signed numbers: those of the engine that need no room of their own. */
function hashInto(state: Int32Array, asciiText: string): void {
  const length = asciiText.length;
  const blockCount = ((length + 8) >> 6) + 1;
  state.set(INITIAL);
  for (let block = 0; block < blockCount; block++) {
    for (let word = 0; word < 16; word++) {
      const at = block * 64 + word * 4;
      SCHEDULE[word] =
        at + 4 <= length
          ? ((asciiText.charCodeAt(at) & 0x7f) << 24) |
            ((asciiText.charCodeAt(at + 1) & 0x7f) << 16) |
            ((asciiText.charCodeAt(at + 2) & 0x7f) << 8) |
            (asciiText.charCodeAt(at + 3) & 0x7f)
          : lastWord(asciiText, at);
    }
    if (block === blockCount - 1) {
      SCHEDULE[14] = Math.floor(length / 0x20000000);
      SCHEDULE[15] = length << 3;
    }
    compress(state, SCHEDULE);
  }
}

/** The word in which the text ends, or one after it: what is left of the text, a one bit, zeros. */
function lastWord(asciiText: string, at: number): number {
  let value = 0;
  for (let position = at; position < at + 4; position++) {
    const isText = position < asciiText.length;
    const octet = isText ? asciiText.charCodeAt(position) & 0x7f : position === asciiText.length ? 0x80 : 0;
    value = (value << 8) | octet;
  }
  return value;
}

/** Written anew for each block before it is read: one for all calls, since each answer to a device takes some hashes. */
const SCHEDULE = new Int32Array(64);
const STATE = new Int32Array(8);

/** SHA-256 of an ASCII text as 64 hexadecimal digits, where signers name a document that others can hash with `sha256sum`. */
export function sha256Text(asciiText: string): Sha256 {
  const hex = [...sha256Words(asciiText)].map((word) => word.toString(16).padStart(8, '0')).join('');
  // The constructor of a digest: 64 lower-case hexadecimal digits.
  return hex as Sha256;
}

/** A number in [0, 1): the first 53 bits of SHA-256 over `salt|label|id`. The same on server and device. */
export function hashUnit(salt: string, label: string, id: string): number {
  hashInto(STATE, `${salt}|${label}|${id}`);
  const first = wordOf(STATE, 0);
  const second = wordOf(STATE, 1);
  return ((first >>> 0) * 2_097_152 + (second >>> 11)) / 9_007_199_254_740_992;
}

function compress(state: Int32Array, w: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = ((w[t - 16] as number) + s0 + (w[t - 7] as number) + s1) | 0;
  }
  // Plain numbers: taken apart and put together as lists they cost as much as the rounds.
  let a = wordOf(state, 0);
  let b = wordOf(state, 1);
  let c = wordOf(state, 2);
  let d = wordOf(state, 3);
  let e = wordOf(state, 4);
  let f = wordOf(state, 5);
  let g = wordOf(state, 6);
  let h = wordOf(state, 7);
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[t] as number) + (w[t] as number)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = wordOf(state, 0) + a;
  state[1] = wordOf(state, 1) + b;
  state[2] = wordOf(state, 2) + c;
  state[3] = wordOf(state, 3) + d;
  state[4] = wordOf(state, 4) + e;
  state[5] = wordOf(state, 5) + f;
  state[6] = wordOf(state, 6) + g;
  state[7] = wordOf(state, 7) + h;
}

function wordOf(state: Int32Array, index: number): number {
  return state[index] as number;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits of the fractional parts of the square roots of the first 8 primes (FIPS 180-4 §5.3.3). */
const INITIAL = Int32Array.from([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2). */
const K = Int32Array.from([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);
