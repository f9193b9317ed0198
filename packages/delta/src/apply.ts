// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { constants, createZstdDecompress } from 'node:zlib';
import type { Bytes } from '@outrider/domain/kernel/ids';
import { DeltaError } from './errors.ts';
import { WINDOW_LOG_MAX } from './limits.ts';

/**
 * The new image from a `zstd-patch-1` delta and its exact base, as a stream. Memory: the base (its dictionary) and zstd's
 * window; the output is cut at `bytesMax`, the signed length, whatever the delta claims. The caller has verified that
 * `base` is the base, and verifies what comes out (check-blocks.ts). Throws DeltaError: delta-corrupt, too-long.
 */
export async function* applyDelta(
  delta: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  base: Uint8Array,
  bytesMax: Bytes,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(delta, { objectMode: false });
  const decoder = createZstdDecompress({
    dictionary: Buffer.from(base.buffer, base.byteOffset, base.byteLength),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  });
  let sourceFault: unknown;
  source.on('error', (cause) => {
    sourceFault = cause;
    decoder.destroy(cause);
  });
  source.pipe(decoder);
  const output: AsyncIterable<Buffer> = decoder;
  let bytes = 0;
  try {
    for await (const chunk of output) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw new DeltaError('too-long', `The delta makes more than the ${bytesMax} bytes signed`);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof DeltaError || cause === sourceFault) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DeltaError('delta-corrupt', `The delta cannot be decoded: ${reason}`, cause);
  } finally {
    source.destroy();
    decoder.destroy();
  }
}
