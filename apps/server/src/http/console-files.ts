// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { digestBytes } from '@outrider/adapters/shared/digest';
import { errorCode } from '@outrider/adapters/shared/files';

/** A file of the page, ready to be sent. */
export interface ConsoleFile {
  readonly mediaType: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
  readonly entityTag: string;
  /** Its name holds a digest of its bytes: whoever has it need never ask again. */
  readonly isImmutable: boolean;
}

/** The page by the paths it is asked for: `/` and what lies below `/console/`. Nothing else is ever served. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** What Vite writes; a file of another kind is none of the page's. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const PAGE_FILE = 'index.html';
const ASSETS_FOLDER = 'console';
/** The page has about five files. */
const FILES_MAX = 64;

/**
 * Reads a built page into memory, some hundred kilobytes, so that no path of a request ever touches the disk. Empty where
 * none was built: the server needs none.
 */
export async function loadConsoleFiles(folder: string): Promise<ConsoleFiles> {
  const page = await orUndefined(readFile(join(folder, PAGE_FILE)));
  if (page === undefined) return new Map();
  const names = ((await orUndefined(readdir(join(folder, ASSETS_FOLDER)))) ?? []).slice(0, FILES_MAX);
  const files = new Map([['/', await fileOf(PAGE_FILE, page)]]);
  for (const name of names) {
    if (MEDIA_TYPES[extname(name)] === undefined) continue;
    files.set(`/${ASSETS_FOLDER}/${name}`, await fileOf(name, await readFile(join(folder, ASSETS_FOLDER, name))));
  }
  return files;
}

async function fileOf(name: string, body: Buffer): Promise<ConsoleFile> {
  return {
    mediaType: MEDIA_TYPES[extname(name)] ?? 'application/octet-stream',
    body,
    gzipped: await promisify(gzip)(body),
    entityTag: `"${digestBytes(body).slice(0, ENTITY_TAG_CHARACTERS)}"`,
    isImmutable: name !== PAGE_FILE,
  };
}

/** 128 bits of SHA-256: no two builds are alike by chance. */
const ENTITY_TAG_CHARACTERS = 32;

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw cause;
  }
}
