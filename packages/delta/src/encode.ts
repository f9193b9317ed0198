// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { Delta } from '@outrider/domain/delta/delta';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { applyDelta } from './apply.ts';
import { DeltaError } from './errors.ts';
import { PAIR_BYTES_MAX, windowLogFor } from './limits.ts';

/** A delta with its bytes, proven by applying it. */
export interface EncodedDelta {
  readonly delta: Delta;
  readonly content: Uint8Array;
}

/**
 * Makes the `zstd-patch-1` delta from `base` to `image`, applies it, and answers only when the image came out exactly.
 * Runs beside the event loop. Codes: pair-too-large, delta-corrupt, digest-mismatch.
 */
export async function encodeDelta(
  base: Uint8Array,
  image: Uint8Array,
  level: number = LEVEL,
): Promise<Result<EncodedDelta, DeltaError>> {
  const pairBytes = base.byteLength + image.byteLength;
  if (pairBytes > PAIR_BYTES_MAX) {
    return err(new DeltaError('pair-too-large', `Base and image have ${pairBytes} bytes, at most ${PAIR_BYTES_MAX}`));
  }
  const content = await compress(bufferOf(image), {
    dictionary: bufferOf(base),
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: windowLogFor(pairBytes),
      [constants.ZSTD_c_enableLongDistanceMatching]: 1,
      // Blocks and the whole are checked against signed SHA-256: zstd's own 32-bit checksum adds nothing.
      [constants.ZSTD_c_checksumFlag]: 0,
    },
  });
  const toDigest = sha256(image);
  const made = await digestOfApplied(content, base, image.byteLength as Bytes);
  if (!made.ok) return made;
  if (made.value !== toDigest) {
    return err(new DeltaError('digest-mismatch', `The delta makes ${made.value}, the image is ${toDigest}`));
  }
  const delta: Delta = {
    fromDigest: sha256(base),
    toDigest,
    format: 'zstd-patch-1',
    digest: sha256(content),
    bytes: content.byteLength as Bytes,
  };
  return ok({ delta, content });
}

/**
 * Measured on a pair of native programs of 11.4 MB: level 12 gives 9.7 % of the image in 0.4 s, level 19 gives 8.0 % in
 * 5.5 s. A publish makes a delta for every version in the field, forward and back, so time wins.
 */
const LEVEL = 12;

const compress = promisify(zstdCompress);

async function digestOfApplied(
  content: Uint8Array,
  base: Uint8Array,
  bytesMax: Bytes,
): Promise<Result<Sha256, DeltaError>> {
  try {
    const parts: Uint8Array[] = [];
    for await (const chunk of applyDelta([content], base, bytesMax)) parts.push(chunk);
    return ok(sha256(Buffer.concat(parts)));
  } catch (cause) {
    if (cause instanceof DeltaError) return err(cause);
    throw cause;
  }
}

function sha256(bytes: Uint8Array): Sha256 {
  return hash('sha256', bytes, 'hex') as Sha256;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
