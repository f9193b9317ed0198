// SPDX-License-Identifier: Apache-2.0
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { assert } from '@outrider/domain/kernel/assert';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { extract, type Header, type Pack, pack } from 'tar-stream';
import { errorCode } from './files.ts';

/** Why a folder cannot become an image, or an image a folder. Codes never change, texts may. */
export interface ImageError {
  readonly code: /** Something other than a file or a folder: a link, a device, a socket. */
    | 'entry-kind-refused'
    /** An absolute name, one with `..`, an empty one, or one that is too long. */
    | 'entry-name-refused'
    /** The same name twice, or a file where a folder is needed. */
    | 'entry-name-taken'
    | 'too-many-entries'
    /** Not an uncompressed tar, or one that was cut. */
    | 'image-malformed'
    /** No such folder. */
    | 'folder-missing';
  readonly detail: string;
}

/** An image of a root file system has some 50,000 files; more is a mistake or an attack. */
const ENTRIES_MAX = 200_000;
/** Longest path inside an image: what file systems take safely below a run folder. */
const NAME_LENGTH_MAX = 1_024;

/**
 * A deterministic image of a folder: uncompressed ustar, names sorted by code unit, times 0, owner 0, mode 0755 for
 * folders and what its owner may execute, else 0644. The same files give the same bytes on every machine.
 * Codes: entry-kind-refused, entry-name-refused, too-many-entries, folder-missing. The stream throws what the disk throws.
 */
export async function packImage(folder: string): Promise<Result<AsyncIterable<Uint8Array>, ImageError>> {
  const entries: TreeEntry[] = [];
  const fault = await collectTree(folder, '', entries);
  if (fault !== undefined) return err(fault);
  return ok(packEntries(folder, entries));
}

/**
 * Writes the files of an image into a folder that does not exist yet. Nothing outside it can be reached: no absolute names,
 * no `..`, no links. Codes: entry-kind-refused, entry-name-refused, entry-name-taken, too-many-entries, image-malformed.
 */
export async function unpackImage(
  chunks: AsyncIterable<Uint8Array>,
  folder: string,
): Promise<Result<'unpacked', ImageError>> {
  await mkdir(folder, { recursive: false });
  const parser = extract();
  const source = Readable.from(chunks, { objectMode: false });
  let sourceFault: unknown;
  source.on('error', (cause) => {
    sourceFault = cause;
    parser.destroy(cause);
  });
  source.pipe(parser);
  let count = 0;
  try {
    for await (const entry of parser) {
      count++;
      if (count > ENTRIES_MAX) return tooMany();
      const refused = refuseHeader(entry.header);
      if (refused !== undefined) return err(refused);
      const path = join(folder, entry.header.name);
      if (entry.header.type === 'directory') {
        await mkdir(path, { recursive: true });
        entry.resume();
      } else {
        await mkdir(dirname(path), { recursive: true });
        const mode = isExecutable(entry.header.mode) ? 0o755 : 0o644;
        await pipeline(entry, createWriteStream(path, { flags: 'wx', mode }));
      }
    }
  } catch (cause) {
    if (cause === sourceFault) throw cause;
    return err(imageErrorOf(cause));
  } finally {
    source.destroy();
    parser.destroy();
  }
  return ok('unpacked');
}

interface TreeEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory';
  readonly size: number;
  readonly mode: number;
}

async function collectTree(root: string, below: string, entries: TreeEntry[]): Promise<ImageError | undefined> {
  let names: string[];
  try {
    names = await readdir(join(root, below));
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause;
    return { code: 'folder-missing', detail: `There is no folder ${join(root, below)}: name the folder to pack` };
  }
  for (const one of names.sort(byCodeUnit)) {
    const name = below === '' ? one : `${below}/${one}`;
    const stats = await lstat(join(root, name));
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : undefined;
    if (kind === undefined) {
      return {
        code: 'entry-kind-refused',
        detail: `${name} is neither a file nor a folder: an image holds only these`,
      };
    }
    const refused = refuseName(name);
    if (refused !== undefined) return refused;
    if (entries.length >= ENTRIES_MAX) return tooMany().error;
    const mode = kind === 'directory' || isExecutable(stats.mode) ? 0o755 : 0o644;
    entries.push({ name, kind, size: kind === 'file' ? stats.size : 0, mode });
    if (kind === 'directory') {
      const fault = await collectTree(root, name, entries);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

async function* packEntries(folder: string, entries: readonly TreeEntry[]): AsyncGenerator<Uint8Array> {
  const packer = pack();
  const filling = fill(packer, folder, entries).catch((cause: unknown) => {
    packer.destroy(cause instanceof Error ? cause : new Error(String(cause)));
  });
  for await (const chunk of packer) {
    assert(chunk instanceof Uint8Array, 'tar-stream to yield bytes');
    yield chunk;
  }
  await filling;
}

async function fill(packer: Pack, folder: string, entries: readonly TreeEntry[]): Promise<void> {
  for (const { name, kind, size, mode } of entries) {
    const entry = packer.entry({ name, type: kind, size, mode, mtime: new Date(0), uid: 0, gid: 0 });
    if (kind === 'file') await pipeline(createReadStream(join(folder, name)), entry);
  }
  packer.finalize();
}

function refuseHeader(header: Header): ImageError | undefined {
  if (header.type !== 'file' && header.type !== 'directory') {
    const detail = `${header.name} is of kind ${header.type}: an image holds only files and folders`;
    return { code: 'entry-kind-refused', detail };
  }
  return refuseName(header.type === 'directory' ? header.name.replace(/\/$/, '') : header.name);
}

function refuseName(name: string): ImageError | undefined {
  const parts = name.split('/');
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (isPlain && name.length <= NAME_LENGTH_MAX && !name.includes('\0') && !name.includes('\\')) return undefined;
  const seen = JSON.stringify(name.slice(0, 120));
  return { code: 'entry-name-refused', detail: `The name ${seen} is refused: relative names without .. only` };
}

function tooMany(): { readonly ok: false; readonly error: ImageError } {
  return err({ code: 'too-many-entries', detail: `The image has more than ${ENTRIES_MAX} entries` });
}

function imageErrorOf(cause: unknown): ImageError {
  const code = errorCode(cause);
  const detail = cause instanceof Error ? cause.message : String(cause);
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR') return { code: 'entry-name-taken', detail };
  // Other system errors are the disk's, not the image's.
  if (code?.startsWith('E') && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw cause;
  return { code: 'image-malformed', detail: `The image is no whole uncompressed tar: ${detail}` };
}

function isExecutable(mode: number | undefined): boolean {
  return ((mode ?? 0) & 0o100) !== 0;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
