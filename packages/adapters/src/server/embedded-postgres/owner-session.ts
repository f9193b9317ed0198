// SPDX-License-Identifier: Apache-2.0
import { Client } from 'pg';
import { delay } from '../../shared/delay.ts';
import { readDiskSpace } from '../disk-space.ts';
import { type Cluster, DATABASE_USER } from './cluster.ts';
import { NO_SPACE, PostgresStartError, storageFull } from './errors.ts';
import { logTail, type Postmaster } from './postmaster.ts';

export const DATABASE_NAME = 'outrider';

/** What the session of the server that owns the database is called in pg_stat_activity. */
const OWNER_NAME = 'outrider owner';

/**
 * Waits until the new PostgreSQL answers, makes the database if it is absent, and keeps this one session open: as long as
 * it lives, another start on the same data folder sees that the database has an owner.
 */
export async function openOwnerSession(cluster: Cluster, postmaster: Postmaster): Promise<Client> {
  for (let waitedMs = 0; !postmaster.hasEnded() && waitedMs < READY_PATIENCE_MS; waitedMs += READY_POLL_MS) {
    const session = await connect(cluster, postmaster.port, OWNER_NAME);
    if (session !== undefined) {
      const { rowCount } = await session.query('select from pg_database where datname = $1', [DATABASE_NAME]);
      if (rowCount === 0) await session.query(`create database ${DATABASE_NAME}`);
      return session;
    }
    await delay(READY_POLL_MS);
  }
  const reason = postmaster.hasEnded() ? await postmaster.ended : `it gave no answer for ${READY_PATIENCE_MS / 1000} s`;
  if (await hasNoRoom(cluster)) throw storageFull(cluster.home);
  const detail = `PostgreSQL did not start: ${reason}. Its log ends with: ${await logTail(cluster)}`;
  throw new PostgresStartError('postgres-did-not-start', detail);
}

/** Its own log may have had no room either, so the disk is asked too. */
async function hasNoRoom(cluster: Cluster): Promise<boolean> {
  const log = await logTail(cluster, LOG_LINES_OF_A_START);
  return log.includes(NO_SPACE) || (await readDiskSpace(cluster.home)).freeBytes < FREE_BYTES_MIN;
}

/** One start says less than this. */
const LOG_LINES_OF_A_START = 20;

/** Less than one page of every file that a start writes. */
const FREE_BYTES_MIN = 1_048_576;

/** A start takes 0.2 s; replaying a write-ahead log of 256 MB after a cut takes up to a minute on slow flash. */
const READY_PATIENCE_MS = 120_000;
const READY_POLL_MS = 25;

/** Whether a live server holds the database that listens on this port. */
export async function hasOwner(cluster: Cluster, port: number): Promise<boolean> {
  const session = await connect(cluster, port, 'outrider start');
  if (session === undefined) return false;
  try {
    const owners = 'select from pg_stat_activity where application_name = $1';
    return ((await session.query(owners, [OWNER_NAME])).rowCount ?? 0) > 0;
  } finally {
    await session.end();
  }
}

async function connect(cluster: Cluster, port: number, name: string): Promise<Client | undefined> {
  const session = new Client({
    host: '127.0.0.1',
    port,
    user: DATABASE_USER,
    password: cluster.password,
    database: 'postgres',
    application_name: name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A session that breaks is no reason to end the server: whoever watches the process is told.
  session.on('error', () => {});
  try {
    await session.connect();
    return session;
  } catch {
    // Not listening yet, still recovering, or shutting down: the caller asks again or gives up by name.
    return undefined;
  }
}

/** On the loopback interface an answer takes a millisecond. */
const CONNECT_TIMEOUT_MS = 5_000;
