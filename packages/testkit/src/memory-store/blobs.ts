// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import type { BlobStore } from '@outrider/domain/gateway/ports';
import { present } from '@outrider/domain/kernel/assert';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';

/** Blobs in memory: for fast tests and the simulator. */
export function memoryBlobs(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async sizeOf(digest) {
      return blobs.get(digest)?.byteLength;
    },
    async *read(digest, range) {
      const bytes = present(blobs.get(digest), 'a blob that exists');
      yield range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
    },
    async put(chunks, { bytesMax, expectedDigest }) {
      const kept: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of chunks) {
        length += chunk.byteLength;
        if (length > bytesMax) return err({ code: 'blob-too-long', bytesMax });
        kept.push(chunk);
      }
      const bytes = Buffer.concat(kept);
      // The one constructor of a digest here: the platform's own SHA-256.
      const digest = hash('sha256', bytes, 'hex') as Sha256;
      if (expectedDigest !== undefined && expectedDigest !== digest) {
        return err({ code: 'digest-mismatch', expected: expectedDigest, actual: digest });
      }
      if (!blobs.has(digest)) blobs.set(digest, bytes);
      return ok({ digest, bytes: bytes.byteLength as Bytes });
    },
  };
}
