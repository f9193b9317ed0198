// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { type Prng, prng } from '@outrider/domain/kernel/prng';

/** A secret of `byteCount` random bytes (default 32: as strong as our keys), as lower-case hexadecimal. */
export function randomSecret(byteCount = 32): string {
  return randomBytes(byteCount).toString('hex');
}

/** Random bytes, for salts, nonces and serial numbers. */
export function randomBuffer(byteCount: number): Buffer {
  return randomBytes(byteCount);
}

/** 32 random bits, as a whole number of zero or more. */
export function randomWord(): number {
  return randomBytes(4).readUInt32LE();
}

/** A pseudo-random source that no one can predict the seed of: for jitter, never for secrets. */
export function unpredictablePrng(): Prng {
  return prng(randomSecret());
}
