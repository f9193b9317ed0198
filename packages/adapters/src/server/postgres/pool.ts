// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import { type CustomTypesConfig, Pool, type PoolClient, types } from 'pg';
import type { PostgresConnection } from './connection.ts';
import { isDeadlock, named } from './errors.ts';

/** Rows as they come: nothing is believed of them before it was read by `row.ts`. */
export type Row = Readonly<Record<string, unknown>>;

/** One database, many connections. All faults are caught here, once: see `errors.ts`. */
export interface Database {
  /**
   * One statement, on any connection; made again after a deadlock. A database that does not answer within `answerMs`, frozen
   * or behind a network that swallows all, is away.
   */
  query(statement: string, values?: readonly unknown[], answerMs?: number): Promise<readonly Row[]>;
  /** Several statements on one connection, all or nothing. */
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Opens a pool. No connection is made yet, and one that breaks is replaced by the next query that needs it: after the
 * database was away nothing has to be opened anew.
 */
export function openDatabase(connection: PostgresConnection, connectionsMax: number = CONNECTIONS_MAX): Database {
  const { tls, ...address } = connection;
  const pool = new Pool({
    ...address,
    ssl: tls === 'off' ? false : { rejectUnauthorized: tls === 'verified' },
    max: connectionsMax,
    application_name: 'outrider',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    types: TYPES,
  });
  // A connection that breaks while idle is dropped from the pool; whoever asks next gets a new one, or StoreAwayError.
  pool.on('error', () => {});
  return {
    async query(statement, values = [], answerMs = ANSWER_MS) {
      return await repeated(async () => (await pool.query<Row>(awaited(statement, values, answerMs))).rows);
    },
    async transaction(work) {
      return await repeated(async () => {
        const client = await pool.connect();
        return await inTransaction(client, work);
      });
    },
    async close() {
      await pool.end();
    },
  };
}

/** Enough to keep two cores and a disk busy; a gateway's batches share each round trip. */
const CONNECTIONS_MAX = 8;
/** A gateway must be able to say "store away" before a device gives up. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Our longest statement reads all rows of a large rollout; anything beyond waits for a lock that nobody releases. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** What a device waits for: its batch behind another one is then told "store away" before its 30 s of silence are over. */
const ANSWER_MS = 10_000;
/** For statements that may use all of their time: PostgreSQL itself ends them first if it can. */
export const LONG_ANSWER_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** The lock order makes deadlocks impossible among our own statements; people have other tools. */
const DEADLOCK_TRIES = 3;

async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (cause) {
      if (!isDeadlock(cause) || tries === DEADLOCK_TRIES) throw named(cause);
    }
  }
}

async function inTransaction<T>(client: PoolClient, work: (query: Database['query']) => Promise<T>): Promise<T> {
  let broken: Error | undefined;
  // A connection that breaks between two statements would otherwise end the process.
  const onError = (cause: Error) => {
    broken = cause;
  };
  client.on('error', onError);
  try {
    await client.query(awaited('begin'));
    const value = await work(
      async (statement, values = []) => (await client.query<Row>(awaited(statement, values))).rows,
    );
    await client.query(awaited('commit'));
    return value;
  } catch (cause) {
    await client.query(awaited('rollback')).catch((fault: Error) => {
      broken = fault;
    });
    throw cause;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** `query_timeout` counts in this process, from the call on; the pool drops a connection on which it has run out. */
function awaited(text: string, values: readonly unknown[] = [], answerMs: number = LONG_ANSWER_MS) {
  return { text, values: [...values], query_timeout: answerMs };
}

/** Whole numbers come as numbers, JSON as text: its readers are in `protocol`, and nothing is parsed twice. */
const TYPES: CustomTypesConfig = {
  getTypeParser: (id, format) => {
    if (id === types.builtins.INT8) return exactNumber;
    if (id === types.builtins.JSON || id === types.builtins.JSONB) return (text: string) => text;
    return types.getTypeParser(id, format);
  },
};

function exactNumber(text: string): number {
  const value = Number(text);
  assert(Number.isSafeInteger(value), `a whole number below 2^53 from the database, got ${text}`);
  return value;
}
