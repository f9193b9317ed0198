// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import { isDiskFull, writeFileDurably } from '../../shared/files.ts';
import { borrowEmbeddedPostgres, startEmbeddedPostgres } from '../embedded-postgres.ts';
import { connectionFromUrl } from '../postgres/connection.ts';
import { useCopySession } from '../postgres/table-copy.ts';
import { refuseUsed } from './load-tables.ts';
import type { BackupManifest } from './manifest.ts';
import { restoreBackup, storageFull } from './restore-backup.ts';
import { abandonRestore, beginRestore, endRestore } from './unfinished-restore.ts';
import { verifyBackup } from './verify-backup.ts';
import { type BackupProgress, writeBackup } from './write-backup.ts';

/** An installation as its settings name it. */
export interface InstallationPlace {
  readonly dataFolder: string;
  /** A secret; undefined: its PostgreSQL lies in the data folder. */
  readonly databaseUrl: string | undefined;
}

export interface BackupWork extends InstallationPlace {
  readonly path: string;
  readonly now: FleetInstant;
  /** What it throws ends the work, and nothing stays behind. */
  readonly onProgress: (progress: BackupProgress) => void;
}

/** What is backed up, and by what. */
export interface BackupSource {
  readonly program: string;
  /** Absent: the data folder. */
  readonly secretsFolder?: string | undefined;
  /** Absent: `blobs` in the data folder. */
  readonly blobFolder?: string | undefined;
}

/**
 * Backs an installation up, whether its server runs or not, and notes in the data folder when that was. Throws BackupError,
 * StoreAwayError, SchemaNewerError, PostgresStartError.
 */
export async function backUpInstallation(work: BackupWork & BackupSource): Promise<{
  readonly manifest: BackupManifest;
  readonly bytes: number;
}> {
  const { dataFolder, databaseUrl, path, now } = work;
  const database =
    databaseUrl === undefined
      ? await borrowEmbeddedPostgres(dataFolder, () => {})
      : { connection: connectionFromUrl(databaseUrl), release: async () => {} };
  try {
    const { connection } = database;
    const { program, onProgress, secretsFolder = dataFolder, blobFolder = join(dataFolder, 'blobs') } = work;
    const places = { path, connection, secretsFolder, blobFolder };
    const manifest = await writeBackup({ ...places, madeAt: now, program, onProgress });
    const { size: bytes } = await stat(path);
    const note = { schema: 1, madeAt: now, path: resolve(path), bytes };
    await writeFileDurably(join(dataFolder, LAST_BACKUP_FILE), `${JSON.stringify(note)}\n`);
    return { manifest, bytes };
  } finally {
    await database.release();
  }
}

/** In the data folder: when the newest backup was made (`madeAt`, milliseconds), where it went and how large it is. */
export const LAST_BACKUP_FILE = 'last-backup.json';

/**
 * Makes an installation of a backup: verified whole before a byte is written, paused, under a revision and epochs above all
 * that the fleet has seen. Throws BackupError, StoreAwayError, PostgresStartError, SchemaError.
 */
export async function restoreInstallation(work: BackupWork): Promise<RestoredInstallation> {
  try {
    return await restoreInto(work);
  } catch (cause) {
    // What nobody has named yet: a mark, a key or a folder for which there was no room.
    if (!isDiskFull(cause) || !(cause instanceof Error)) throw cause;
    throw storageFull(work.dataFolder, cause.message, cause);
  }
}

export interface RestoredInstallation {
  readonly manifest: BackupManifest;
  /** The one with which the restore ends: everything is paused. */
  readonly entry: PolicyEntry;
}

async function restoreInto(work: BackupWork): Promise<RestoredInstallation> {
  const { dataFolder, databaseUrl, path, now, onProgress } = work;
  const manifest = await verifyBackup(path, onProgress);
  if (databaseUrl !== undefined) await useCopySession(connectionFromUrl(databaseUrl), 'snapshot', refuseUsed);
  await beginRestore(dataFolder, resolve(path));
  try {
    const openDatabase = async () => {
      if (databaseUrl !== undefined) return { connection: connectionFromUrl(databaseUrl), release: async () => {} };
      const started = await startEmbeddedPostgres({ dataFolder, log: () => {} });
      return { connection: started.connection, release: () => started.stop() };
    };
    const entry = await restoreBackup({ path, manifest, dataFolder, openDatabase, now, onProgress });
    await endRestore(dataFolder);
    return { manifest, entry };
  } catch (cause) {
    await abandonRestore(dataFolder);
    throw cause;
  }
}
