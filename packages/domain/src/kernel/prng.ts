// SPDX-License-Identifier: Apache-2.0

/** A source of pseudo-random numbers, always a parameter. The same seed gives the same stream on every machine. */
export interface Prng {
  /** A number in [0, 1) with 53 random bits. */
  next(): number;
  /** An independent stream for `label`, so that one more draw in one place moves nothing elsewhere. */
  fork(label: string): Prng;
}

/** sfc32 (Doty-Humphrey, PractRand), seeded by text; passes PractRand to 2^40 bytes. Not for secrets. */
export function prng(seed: string): Prng {
  let [a, b, c] = mix(seed);
  let counter = 1;
  function next32(): number {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  }
  for (let round = 0; round < 15; round++) next32();
  return {
    next() {
      const high = next32() >>> 5;
      const low = next32() >>> 6;
      return (high * 67_108_864 + low) / 9_007_199_254_740_992;
    },
    fork(label) {
      return prng(`${seed}/${label}`);
    },
  };
}

/** A whole number in [0, countMax). */
export function below(source: Prng, countMax: number): number {
  return Math.floor(source.next() * countMax);
}

/** A draw from the exponential distribution with this mean. */
export function exponential(source: Prng, mean: number): number {
  return -mean * Math.log1p(-source.next());
}

/** Three 32-bit words from text: FNV-1a with three offsets, then a finalising avalanche (MurmurHash3's fmix32). */
function mix(seed: string): [number, number, number] {
  let [a, b, c] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b];
  for (let index = 0; index < seed.length; index++) {
    const code = seed.charCodeAt(index);
    a = Math.imul(a ^ code, FNV_PRIME);
    b = Math.imul(b ^ (code + 131), FNV_PRIME);
    c = Math.imul(c ^ (code + 2 * 131), FNV_PRIME);
  }
  return [avalanche(a), avalanche(b), avalanche(c)];
}

const FNV_PRIME = 0x01000193;

function avalanche(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
