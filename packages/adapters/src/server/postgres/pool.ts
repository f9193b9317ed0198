// SPDX-License-Identifier: Apache-2.0
import type { StoreConnections } from '@outrider/domain/decision/server-store';
import { assert } from '@outrider/domain/kernel/assert';
import { type CustomTypesConfig, Pool, type PoolClient, types } from 'pg';
import { delay } from '../../shared/delay.ts';
import { type PostgresConnection, tlsOf } from './connection.ts';
import { isCollision, isWithoutConnection, named } from './errors.ts';

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
  /** How busy the connections are now. */
  connections(): StoreConnections;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** What PostgreSQL shows the connections as, after `outrider`: what the others of an installation can see of this one. */
  readonly purpose: string;
  readonly connectionsMax?: number;
  /** After so long PostgreSQL ends a statement, and a transaction in which nothing is asked. */
  readonly statementMs?: number;
  /** Looks at each new connection before it is used; what it throws is what the query throws. */
  readonly checkConnection?: (query: Database['query']) => Promise<void>;
  /** Told of each statement once its answer has come, before anybody goes on with it: for whoever breaks a server on purpose. */
  readonly onAnswer?: OnAnswer;
}

export type OnAnswer = (statement: string) => void;

/**
 * Opens a pool. No connection is made yet, and one that breaks is replaced by the next query that needs it: after the
 * database was away nothing has to be opened anew.
 */
export function openDatabase(connection: PostgresConnection, options: DatabaseOptions): Database {
  const { tls: _, tlsRootFile: __, ...address } = connection;
  const { purpose, connectionsMax = CONNECTIONS_MAX, statementMs = STATEMENT_TIMEOUT_MS, checkConnection } = options;
  const onAnswer = options.onAnswer ?? (() => {});
  const transactionMs = statementMs + END_GRACE_MS;
  const pool = new Pool({
    ...address,
    ssl: tlsOf(connection),
    max: connectionsMax,
    application_name: `outrider ${purpose}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    keepAlive: true,
    types: TYPES,
    onConnect: (client) =>
      checkConnection?.(async (statement, values = []) => {
        return (await client.query<Row>(awaited(statement, values, CONNECT_TIMEOUT_MS))).rows;
      }),
  });
  // A connection that breaks while idle is dropped from the pool; whoever asks next gets a new one, or StoreAwayError.
  pool.on('error', () => {});
  const isHoldingConnections = () => pool.totalCount > 0;
  return {
    async query(statement, values = [], answerMs = ANSWER_MS) {
      return await repeated(
        async () => (await pool.query<Row>(awaited(statement, values, answerMs))).rows,
        isHoldingConnections,
      ).finally(() => onAnswer(statement));
    },
    async transaction(work) {
      return await repeated(async () => {
        const client = await pool.connect();
        return await inTransaction(client, { answerMs: transactionMs, onAnswer }, work);
      }, isHoldingConnections);
    },
    connections: () => ({
      inUse: pool.totalCount - pool.idleCount,
      max: connectionsMax,
      waiting: pool.waitingCount,
    }),
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
/** PostgreSQL itself ends a statement whose time is over, if it can; this much later it is given up here. */
const END_GRACE_MS = 5_000;
/** For statements that may use all of their time. */
export const LONG_ANSWER_MS = STATEMENT_TIMEOUT_MS + END_GRACE_MS;
/** The lock order makes deadlocks impossible among our own statements; people have other tools. */
const COLLISION_TRIES = 3;

/** With other connections of this pool at work one of them is free within milliseconds, when the database has no further one. */
const CROWDED_TRIES = 6;
const CROWDED_PAUSE_MS = 40;

async function repeated<T>(work: () => Promise<T>, isHoldingConnections: () => boolean): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (cause) {
      const isCrowded = isWithoutConnection(cause) && isHoldingConnections();
      const triesMax = isCrowded ? CROWDED_TRIES : isCollision(cause) ? COLLISION_TRIES : 1;
      if (tries >= triesMax) throw named(cause);
      if (isCrowded) await delay(CROWDED_PAUSE_MS);
    }
  }
}

async function inTransaction<T>(
  client: PoolClient,
  { answerMs, onAnswer }: { readonly answerMs: number; readonly onAnswer: OnAnswer },
  work: (query: Database['query']) => Promise<T>,
): Promise<T> {
  let broken: Error | undefined;
  // A connection that breaks between two statements would otherwise end the process.
  const onError = (cause: Error) => {
    broken = cause;
  };
  client.on('error', onError);
  try {
    const ask = async (statement: string, values: readonly unknown[] = []) => {
      const { rows } = await client.query<Row>(awaited(statement, values, answerMs));
      onAnswer(statement);
      return rows;
    };
    await ask('begin');
    const value = await work(ask);
    await ask('commit');
    return value;
  } catch (cause) {
    await client.query(awaited('rollback', [], ROLLBACK_MS)).catch((fault: Error) => {
      broken = fault;
    });
    throw cause;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** A connection on which even this takes longer is given up with all that was asked on it. */
const ROLLBACK_MS = 5_000;

/** `query_timeout` counts in this process, from the call on; the pool drops a connection on which it has run out. */
function awaited(text: string, values: readonly unknown[], answerMs: number) {
  return { text, values: [...values], query_timeout: answerMs };
}

/** Whole numbers come as numbers, JSON as text: its readers are in `protocol`, and nothing is parsed twice. */
export const TYPES: CustomTypesConfig = {
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
