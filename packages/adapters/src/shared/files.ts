// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Replaces a file by one with these bytes, all or nothing: written beside it, synced, renamed over it, and the folder
 * synced. Durable when it returns. One writer at a time for a path.
 */
export async function writeFileDurably(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  const folder = dirname(path);
  const beside = join(folder, `.${basename(path)}.new`);
  try {
    await writeSynced(beside, content, mode);
    await rename(beside, path);
  } catch (cause) {
    // A disk that is full has room again: what was there before is whole, and nothing half-written stays.
    await rm(beside, { force: true });
    throw cause;
  }
  await syncFolder(folder);
}

async function writeSynced(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable: a file created, renamed or removed there survives a cut only after this. */
export async function syncFolder(path: string): Promise<void> {
  const folder: FileHandle = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Creates a folder and what is missing above it, durably. Not by mkdir's own recursion, which never returns where a file
 * system takes no folders (seen with Node 26 below /proc).
 */
export async function createFolder(path: string, mode = 0o755): Promise<void> {
  const parent = dirname(resolve(path));
  try {
    await mkdir(path, { mode });
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || (await exists(parent))) throw cause;
    await createFolder(parent, mode);
    return createFolder(path, mode);
  }
  await syncFolder(parent);
}

/** Whether there is something at this path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}

/** The text of a file, or undefined when there is none. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = errorCode(cause);
    // ESRCH: a file of /proc whose process ended after it was opened.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw cause;
  }
}

/** Removes a file or a whole folder, if it is there; durable when it returns. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await syncFolder(dirname(path));
}

/** Whether the disk had no room: no space or inode left, the user's quota used up, or past the longest file there may be. */
export function isDiskFull(cause: unknown): boolean {
  return DISK_FULL_CODES.has(errorCode(cause) ?? '');
}

const DISK_FULL_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The code of a system error such as `ENOENT` or `ENOSPC`, or undefined for anything else. */
export function errorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}
