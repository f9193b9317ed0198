// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobError, BlobReader, BlobStore } from '@outrider/domain/gateway/ports';
import { type Bytes, parseSha256, type Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { createFolder, errorCode, isDiskFull, syncFolder } from '../shared/files.ts';
import { randomSecret } from '../shared/random.ts';

/**
 * Blobs in a folder, each in `<aa>/<digest>` by the first two digits of its SHA-256. A blob appears whole or not at all, and
 * never changes. One server writes here at a time; what a killed one left half-written is removed now.
 */
export async function openBlobFolder(folder: string): Promise<BlobStore> {
  const arriving = join(folder, 'arriving');
  await createFolder(arriving);
  for (const name of await readdir(arriving)) await rm(join(arriving, name), { force: true });
  return {
    ...readBlobFolder(folder),
    async put(chunks, limits) {
      const beside = join(arriving, randomSecret(16));
      try {
        const received = await receive(beside, chunks, limits);
        if (received.ok) await place(beside, folder, received.value.digest);
        return received;
      } catch (cause) {
        if (!isDiskFull(cause)) throw cause;
        return err({ code: 'storage-full', detail: cause instanceof Error ? cause.message : String(cause) });
      } finally {
        await rm(beside, { force: true });
      }
    },
  };
}

/** The blobs of a folder that a server may be writing to: nothing is changed. */
export function readBlobFolder(folder: string): BlobReader {
  return {
    async sizeOf(digest) {
      const path = pathOf(folder, digest);
      return path === undefined ? undefined : await sizeOfFile(path);
    },
    async *read(digest, range) {
      const path = pathOf(folder, digest);
      if (path === undefined) throw new Error('A blob is read by its SHA-256; ask `sizeOf` first whether it exists');
      const file = await open(path, constants.O_RDONLY);
      try {
        yield* chunksOf(file, range ?? { start: 0, end: (await file.stat()).size - 1 });
      } finally {
        await file.close();
      }
    },
  };
}

/** A disk's read-ahead, and few enough bytes that a thousand downloads at once fit into memory. */
const CHUNK_BYTES = 65_536;

async function* chunksOf(file: FileHandle, range: { readonly start: number; readonly end: number }) {
  for (let position = range.start; position <= range.end; ) {
    const wanted = Math.min(CHUNK_BYTES, range.end - position + 1);
    const { buffer, bytesRead } = await file.read(new Uint8Array(wanted), 0, wanted, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Writes and hashes at once, and stops at the limit: nothing is read further than what may be kept. */
async function receive(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { bytesMax, expectedDigest }: { readonly bytesMax: number; readonly expectedDigest?: Sha256 },
): Promise<Result<{ readonly digest: Sha256; readonly bytes: Bytes }, BlobError>> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx', 0o444);
  try {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) return err({ code: 'blob-too-long', bytesMax });
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    // The constructors of both brands: the platform's own hash, and the count of what it was fed.
    const digest = hash.digest('hex') as Sha256;
    if (expectedDigest !== undefined && digest !== expectedDigest) {
      return err({ code: 'digest-mismatch', expected: expectedDigest, actual: digest });
    }
    await file.sync();
    return ok({ digest, bytes: bytes as Bytes });
  } finally {
    await file.close();
  }
}

/** A link, not a rename: it cannot overwrite, so a blob that is being read stays the file it is. */
async function place(beside: string, folder: string, digest: Sha256): Promise<void> {
  const shelf = join(folder, digest.slice(0, 2));
  await createFolder(shelf);
  try {
    await link(beside, join(shelf, digest));
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw cause;
  }
  await syncFolder(shelf);
}

/** Undefined for a text that is no digest: it never becomes part of a path. */
function pathOf(folder: string, digest: string): string | undefined {
  const parsed = parseSha256(digest);
  return parsed.ok ? join(folder, parsed.value.slice(0, 2), parsed.value) : undefined;
}

async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
