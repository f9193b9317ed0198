// SPDX-License-Identifier: Apache-2.0
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolder, exists, removeDurably, syncFolder, writeFileDurably } from '../../shared/files.ts';
import { PostgresStartError } from '../embedded-postgres/errors.ts';
import { discardEmbeddedPostgres } from '../embedded-postgres.ts';
import { BackupError } from './errors.ts';

/**
 * Stands in a data folder from before a restore writes its first byte until its last one is durable: no server starts on
 * it, and another restore may begin anew, since nothing in the folder is older than this file.
 */
const MARK_FILE = 'restore-unfinished.json';

/** What may lie in a folder that is empty otherwise: settings that came first, and what a file system makes. */
const ALLOWED_FILES: readonly string[] = ['outrider.json', 'lost+found'];

/** Only the owner: the folder will hold tokens and keys. */
const DATA_FOLDER_MODE = 0o700;

/** Whether a restore into this data folder was begun and has not ended. */
export async function isRestoreUnfinished(dataFolder: string): Promise<boolean> {
  return await exists(join(dataFolder, MARK_FILE));
}

/**
 * Marks the data folder, made if it is missing. What a restore that was cut left there is removed first. Throws BackupError:
 * folder-not-empty, restore-under-way.
 */
export async function beginRestore(dataFolder: string, from: string): Promise<void> {
  await createFolder(dataFolder, DATA_FOLDER_MODE);
  if (await isRestoreUnfinished(dataFolder)) await removeAll(dataFolder);
  const found = (await readdir(dataFolder)).filter((name) => name !== MARK_FILE && !ALLOWED_FILES.includes(name));
  if (found.length > 0) {
    const seen = `${found.length === 1 ? 'a file' : `${found.length} files`}, among them ${found[0]}`;
    const detail = `The data folder ${dataFolder} holds ${seen}: restore into an empty folder, or one that does not exist yet`;
    throw new BackupError('folder-not-empty', detail);
  }
  await writeFileDurably(join(dataFolder, MARK_FILE), `${JSON.stringify({ schema: 1, from })}\n`);
}

/** The installation is whole and durable: a server may start. */
export async function endRestore(dataFolder: string): Promise<void> {
  await syncFolder(dataFolder);
  await removeDurably(join(dataFolder, MARK_FILE));
}

/** Takes back what a restore did before it failed: the folder is as empty as it was. */
export async function abandonRestore(dataFolder: string): Promise<void> {
  await removeAll(dataFolder);
  await endRestore(dataFolder);
}

/** All but the mark, which goes last. */
async function removeAll(dataFolder: string): Promise<void> {
  try {
    await discardEmbeddedPostgres(dataFolder);
  } catch (cause) {
    if (!(cause instanceof PostgresStartError) || cause.code !== 'data-folder-in-use') throw cause;
    throw new BackupError('restore-under-way', `Another restore works on ${dataFolder}: wait for its end`, cause);
  }
  for (const name of await readdir(dataFolder)) {
    if (name === MARK_FILE || ALLOWED_FILES.includes(name)) continue;
    await rm(join(dataFolder, name), { recursive: true, force: true });
  }
  await syncFolder(dataFolder);
}
