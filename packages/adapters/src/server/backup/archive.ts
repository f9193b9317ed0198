// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { assert } from '@outrider/domain/kernel/assert';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { extract, pack } from 'tar-stream';
import { BackupError } from './errors.ts';
import type { BackupPart } from './manifest.ts';

/** A tar that is being written, and what it holds so far. */
export interface ArchiveWriter {
  /** Adds a part whose length is known. Throws when the chunks have another one. */
  add(name: string, bytes: number, chunks: AsyncIterable<Uint8Array>): Promise<BackupPart>;
  readonly parts: readonly BackupPart[];
}

/** Owner only: a backup holds the permit key. */
const ARCHIVE_MODE = 0o600;

/** Writes a tar to a path that is free, synced when it returns; `fill` adds its parts. */
export async function writeArchive<T>(path: string, fill: (archive: ArchiveWriter) => Promise<T>): Promise<T> {
  const tar = pack();
  const file = createWriteStream(path, { flags: 'wx', mode: ARCHIVE_MODE, flush: true });
  let fileFault: unknown;
  file.on('error', (cause) => {
    fileFault = cause;
  });
  const written = pipeline(tar, file);
  // Awaited below; whoever adds a part meanwhile is told by the stream.
  written.catch((cause: Error) => tar.destroy(cause));
  const parts: BackupPart[] = [];
  const archive: ArchiveWriter = {
    parts,
    async add(name, bytes, chunks) {
      const hash = createHash('sha256');
      const entry = tar.entry({ name, size: bytes, mode: ARCHIVE_MODE, mtime: EPOCH });
      await pipeline(chunks, hashing(hash), entry);
      // The constructor of the brand: the platform's own hash.
      const part = { name, bytes, sha256: hash.digest('hex') as Sha256 };
      parts.push(part);
      return part;
    },
  };
  try {
    const value = await fill(archive);
    tar.finalize();
    await written;
    return value;
  } catch (cause) {
    tar.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    await written.catch(() => {});
    // A full disk is the reason, not the stream that ended for it.
    throw fileFault ?? cause;
  }
}

/** Times in it would say when the parts were written, which the manifest says for all. */
const EPOCH = new Date(0);

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* (chunks: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      assert(chunk instanceof Uint8Array, 'a stream of bytes');
      hash.update(chunk);
      yield chunk;
    }
  };
}

/** A part that is being read: its bytes must be taken before the next part comes. */
export interface ArchivePart {
  readonly name: string;
  readonly bytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What was read so far; of the whole part once its chunks have been taken. */
  digest(): Sha256;
}

/** The parts of a tar in their order. Throws BackupError: backup-damaged, backup-unusable. */
export async function* readArchive(path: string): AsyncGenerator<ArchivePart> {
  const source = createReadStream(path);
  const tar = extract();
  let sourceFault: unknown;
  source.on('error', (cause) => {
    sourceFault = cause;
    tar.destroy(cause);
  });
  source.pipe(tar);
  const fault = (cause: unknown) => archiveFault(path, sourceFault ?? cause, sourceFault !== undefined);
  try {
    for await (const entry of tar) {
      const { name, size = 0, type } = entry.header;
      if (type !== 'file') {
        throw new BackupError('backup-damaged', damaged(path, `it holds a ${type} where files belong`));
      }
      const hash = createHash('sha256');
      const chunks = naming(hashing(hash)(entry), fault);
      yield { name, bytes: size, chunks, digest: () => hash.copy().digest('hex') as Sha256 };
      entry.resume();
    }
  } catch (cause) {
    throw fault(cause);
  } finally {
    source.destroy();
    tar.destroy();
  }
}

/** A file that ends too early shows when the part is read in which it does. */
async function* naming(
  chunks: AsyncIterable<Uint8Array>,
  fault: (cause: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    throw fault(cause);
  }
}

function archiveFault(path: string, cause: unknown, isUnreadable: boolean): unknown {
  if (cause instanceof BackupError || !(cause instanceof Error)) return cause;
  if (isUnreadable)
    return new BackupError('backup-unusable', `The backup ${path} cannot be read: ${cause.message}`, cause);
  if (!TAR_FAULT.test(cause.message)) return cause;
  return new BackupError('backup-damaged', damaged(path, 'it is no tar, or ends too early'), cause);
}

/** What tar-stream 3.2 says of bytes that are no tar. */
const TAR_FAULT = /header|tar|end of data|checksum|premature/i;

/** The sentence of a backup that is not what it was when it was made. */
export function damaged(path: string, finding: string): string {
  return `The backup ${path} is damaged: ${finding}; nothing of it was used, take another copy`;
}

/** All chunks as one text, at most so many bytes. */
export async function textOfChunks(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string | undefined> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return undefined;
    kept.push(chunk);
  }
  return Buffer.concat(kept).toString('utf8');
}
