// SPDX-License-Identifier: Apache-2.0
import { realpath, stat } from 'node:fs/promises';
import process from 'node:process';
import { errorCode } from '../../shared/files.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { clusterFolder, DATABASE_USER, loadPointer, ownerOf } from './cluster.ts';
import { PostgresStartError } from './errors.ts';
import { lookUp } from './operator.ts';
import { isPostmasterOf, loadLock } from './orphan.ts';
import { DATABASE_NAME } from './owner-session.ts';
import { isAlive } from './postmaster.ts';

/** What lies in a data folder of the PostgreSQL that a server starts there. */
export type EmbeddedPostgresFacts =
  /** No server has started one here yet. */
  | { readonly kind: 'none' }
  /** The file that says where it lies makes no sense. */
  | { readonly kind: 'damaged'; readonly detail: string }
  /** This user may not look at it. */
  | { readonly kind: 'forbidden'; readonly code: string }
  | {
      readonly kind: 'found';
      /** The folder that holds it. */
      readonly home: string;
      /** The data folder whose it is; undefined: it is gone. */
      readonly owner: string | undefined;
      /** The data folder that was looked at, with all links resolved. */
      readonly dataFolder: string;
      /** Whose the cluster is, and whose it must be; undefined: cannot be told. */
      readonly ownerUid: number | undefined;
      readonly wantedUid: number | undefined;
      /** What its lock file says; undefined: it was stopped. */
      readonly lock: PostgresLock | undefined;
    };

export interface PostgresLock {
  readonly pid: number;
  /** Not alive: it was killed. Alive and somebody else's: the process id was given anew. */
  readonly isAlive: boolean;
  readonly isPostgres: boolean;
  /** How to reach it while it runs. */
  readonly connection: PostgresConnection;
}

/** Looks at the PostgreSQL of a data folder; nothing is started, made or mended. */
export async function inspectEmbeddedPostgres(folder: string): Promise<EmbeddedPostgresFacts> {
  try {
    const dataFolder = await realpath(folder);
    const cluster = await loadPointer(dataFolder);
    if (cluster === undefined) return { kind: 'none' };
    const [owner, ownerUid, lock] = await Promise.all([ownerOf(cluster.home), uidOf(cluster), loadLock(cluster)]);
    return {
      kind: 'found',
      home: cluster.home,
      owner,
      dataFolder,
      ownerUid,
      wantedUid: process.getuid?.() === 0 ? (await lookUp())?.uid : process.getuid?.(),
      lock:
        lock === undefined
          ? undefined
          : {
              pid: lock.pid,
              isAlive: await isAlive(lock.pid),
              isPostgres: await isPostmasterOf(cluster, lock.pid),
              connection: {
                host: '127.0.0.1',
                port: lock.port,
                user: DATABASE_USER,
                password: cluster.password,
                database: DATABASE_NAME,
                tls: 'off',
              },
            },
    };
  } catch (cause) {
    const code = errorCode(cause);
    // ENOTDIR: the data folder is a file.
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'none' };
    if (cause instanceof PostgresStartError) return { kind: 'damaged', detail: cause.message };
    if (code === undefined) throw cause;
    return { kind: 'forbidden', code };
  }
}

async function uidOf(cluster: { readonly home: string }): Promise<number | undefined> {
  try {
    return (await stat(clusterFolder(cluster))).uid;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
