// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { access, link, mkdtemp, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRestoreUnfinished } from '@outrider/adapters/server/backup/unfinished-restore';
import { errorCode, isDiskFull, syncFolder } from '@outrider/adapters/shared/files';
import type { DiskFacts, FolderFacts, FolderTrial } from './folder-checks.ts';

/** Looks at the data folder. All it writes is a trial file of one byte in a folder of its own, removed at once. */
export async function probeFolder(path: string): Promise<FolderFacts> {
  const found = await kindOf(path);
  const nearest = found.kind === 'missing' ? await nearestFolder(path) : path;
  const mayWrite = await mayWriteTo(nearest);
  const isUsable = found.kind === 'folder' && mayWrite;
  return {
    path,
    ...found,
    ownUid: process.getuid?.(),
    mayWrite,
    disk: await diskOf(nearest),
    trial: isUsable ? await tryFiles(path) : undefined,
    isRestoreUnfinished: isUsable && (await isRestoreUnfinished(path)),
  };
}

async function kindOf(path: string): Promise<Pick<FolderFacts, 'kind' | 'mode' | 'ownerUid'>> {
  const nothing = { mode: 0, ownerUid: 0 };
  try {
    const {
      mode,
      uid: ownerUid,
      ...found
    } = await stat(path).then((one) => ({
      mode: one.mode,
      uid: one.uid,
      isFolder: one.isDirectory(),
    }));
    return { kind: found.isFolder ? 'folder' : 'not-a-folder', mode, ownerUid };
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT') return { kind: 'missing', ...nothing };
    if (code === 'ENOTDIR') return { kind: 'not-a-folder', ...nothing };
    if (code === undefined) throw cause;
    return { kind: 'unreadable', ...nothing };
  }
}

async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path);
  if (above === path || (await kindOf(above)).kind !== 'missing') return above;
  return await nearestFolder(above);
}

async function mayWriteTo(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    return false;
  }
}

async function diskOf(path: string): Promise<DiskFacts | undefined> {
  try {
    const { type, bavail, bsize, ffree, files } = await statfs(path);
    return { fileSystem: type, freeBytes: bavail * bsize, inodesFree: ffree, inodesTotal: files };
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    return undefined;
  }
}

/** What images, keys and PostgreSQL need of a file system, done once. */
async function tryFiles(path: string): Promise<FolderTrial> {
  let folder: string | undefined;
  let step = 'made';
  try {
    folder = await mkdtemp(join(path, '.doctor-'));
    const file = join(folder, 'trial');
    step = 'written and synced';
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile('x');
      await handle.sync();
    } finally {
      await handle.close();
    }
    step = 'linked';
    await link(file, join(folder, 'linked'));
    step = 'renamed';
    await rename(file, join(folder, 'linked.new'));
    step = 'synced as a folder';
    await syncFolder(folder);
    return {};
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined) throw cause;
    return { fault: `A trial file could not be ${step} (${code})`, isFull: isDiskFull(cause) };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
