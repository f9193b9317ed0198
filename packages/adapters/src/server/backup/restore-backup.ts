// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from '@outrider/domain/kernel/assert';
import { durationMs, elapsedMs, type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import { createFolder, syncFolder } from '../../shared/files.ts';
import { openBlobFolder } from '../blob-folder.ts';
import { bringInSome } from '../postgres/audit-chain.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { appendRestore } from '../postgres/policy-log.ts';
import { textOf } from '../postgres/row.ts';
import { type CopySession, useCopySession } from '../postgres/table-copy.ts';
import { type ArchivePart, readArchive } from './archive.ts';
import { BackupError } from './errors.ts';
import { loadTables } from './load-tables.ts';
import type { BackupManifest } from './manifest.ts';
import { readPartName } from './parts.ts';
import type { BackupProgress } from './write-backup.ts';

export interface RestoreRequest {
  readonly path: string;
  /** What `verifyBackup` accepted. */
  readonly manifest: BackupManifest;
  /** Empty, or with nothing in it but what `begin` left. */
  readonly dataFolder: string;
  /** Opens the empty database, once the files are there. */
  readonly openDatabase: () => Promise<{ readonly connection: PostgresConnection; release(): Promise<void> }>;
  readonly now: FleetInstant;
  readonly onProgress: (progress: BackupProgress) => void;
}

/**
 * Makes an installation of a verified backup: blobs and files first, then the database in one transaction, at whose end
 * everything is paused under a revision and epochs above all that the fleet has seen. Answers with that entry. Throws
 * BackupError, StoreAwayError.
 */
export async function restoreBackup(request: RestoreRequest): Promise<PolicyEntry> {
  await restoreFiles(request);
  const database = await request.openDatabase();
  const sinceMs = durationMs(Math.max(0, elapsedMs(request.manifest.madeAt, request.now)));
  try {
    return await useCopySession(database.connection, 'load', async (session) => {
      await loadTables(session, { ...request, sinceMs });
      // A backup from before the audit log holds changes that are in none.
      while (await bringInSome(session.query));
      const at = await restoredAt(session, request);
      const entry = await appendRestore(session.query, { at, sinceMs, reason: reasonOf(request) });
      // The planner knows nothing about tables that were just filled. Inside the transaction: nothing may fail after it.
      await session.query('analyze');
      return entry;
    });
  } finally {
    await database.release();
  }
}

/** Of a conducted installation fleet time stands where it was left; else it is now. */
async function restoredAt({ query }: CopySession, { now }: RestoreRequest): Promise<FleetInstant> {
  const [row] = await query(`select value from installation where key = 'fleet-time'`);
  return row === undefined ? now : fleetInstant(Number(textOf(row, 'value')));
}

function reasonOf({ manifest }: RestoreRequest): string {
  const madeAt = new Date(manifest.madeAt).toISOString();
  return `Restored from the backup of ${madeAt}, which ends at revision ${manifest.revision}`;
}

async function restoreFiles({ path, manifest, dataFolder, onProgress }: RestoreRequest): Promise<void> {
  const blobs = await openBlobFolder(join(dataFolder, 'blobs'));
  const names = manifest.parts.map((one) => readPartName(one.name));
  const total = names.filter((one) => one?.kind === 'blob').length;
  let [bytes, done] = [0, 0];
  for await (const part of readArchive(path)) {
    const name = readPartName(part.name);
    if (name?.kind === 'file') await restoreFile(join(dataFolder, name.file), part);
    if (name?.kind !== 'blob') continue;
    const put = await blobs.put(part.chunks, { bytesMax: part.bytes, expectedDigest: name.digest });
    if (!put.ok && put.error.code === 'storage-full') throw storageFull(dataFolder, put.error.detail);
    assert(put.ok, `the blob ${name.digest} as it was verified a moment ago`);
    bytes += part.bytes;
    onProgress({ step: 'blobs', name: '', bytes, done: ++done, total });
  }
  await syncFolder(dataFolder);
}

/** Secrets all of them: keys and tokens. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** What the disk said, and what to do. */
export function storageFull(dataFolder: string, finding: string, cause?: unknown): BackupError {
  const detail = `The disk of ${dataFolder} is full (${finding}), and nothing of the restore was kept: make room there, or name a folder on a larger disk`;
  return new BackupError('storage-full', detail, cause);
}

async function restoreFile(path: string, { chunks }: ArchivePart): Promise<void> {
  await createFolder(dirname(path), FOLDER_MODE);
  const file = await open(path, 'wx', FILE_MODE);
  try {
    for await (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}
