// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError, type StoreAwayReason } from '@outrider/domain/decision/store-away';

/**
 * The database holds a newer schema than this program can work with: migrations only go forward. Code: schema-newer.
 */
export class SchemaNewerError extends Error {
  override readonly name = 'SchemaNewerError';
  readonly code = 'schema-newer';

  constructor(seen: number, known: number) {
    super(
      `The database has schema ${seen}, this program knows schemas up to ${known} and cannot work beside it: start the newer program that made it`,
    );
  }
}

/** Why the schema of a database cannot be brought to this program's. Codes never change, texts may. */
export type SchemaErrorCode =
  /** A migration was applied with another text than this program has under its number. */
  | 'migration-changed'
  /** Servers run that cannot work with what a migration would make. */
  | 'schema-in-use'
  /** A migration waited for a lock that somebody held all the time. */
  | 'schema-locked';

export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly code: SchemaErrorCode;

  constructor(code: SchemaErrorCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What a caller of a port gets for what `pg` threw: a database that cannot do what is asked has a name of its own. */
export function named(cause: unknown): unknown {
  if (cause instanceof StoreAwayError) return cause;
  const reason = reasonOf(cause);
  return reason === undefined ? cause : new StoreAwayError(cause, reason);
}

/**
 * Two batches waited for each other, or, where somebody made all transactions serialisable, met: PostgreSQL ended this one,
 * unharmed, and it may simply be made again.
 */
export function isCollision(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === '40P01' || code === '40001';
}

/** No connection was to be had: of the server, of the role or of the database all are taken. */
export function isWithoutConnection(cause: unknown): boolean {
  return codeOf(cause) === '53300';
}

/** A lock was not to be had within `lock_timeout`. */
export function isLockTimeout(cause: unknown): boolean {
  return codeOf(cause) === '55P03';
}

/** What is wrong with the database, or undefined when it is none of its troubles. */
function reasonOf(cause: unknown): StoreAwayReason | undefined {
  const code = codeOf(cause);
  if (code !== undefined) return REASON_BY_CODE.get(code) ?? REASON_BY_CLASS.get(code.slice(0, 2));
  if (!(cause instanceof Error)) return undefined;
  return REASON_BY_MESSAGE.find(([message]) => cause.message.includes(message))?.[1];
}

/** Classes of SQLSTATE, PostgreSQL's manual, appendix A: "connection exception", "insufficient resources". */
const REASON_BY_CLASS: ReadonlyMap<string, StoreAwayReason> = new Map([
  ['08', 'unreachable'],
  ['53', 'memory-full'],
]);

const REASON_BY_CODE: ReadonlyMap<string, StoreAwayReason> = new Map([
  ['ECONNREFUSED', 'unreachable'],
  ['ECONNRESET', 'unreachable'],
  ['EPIPE', 'unreachable'],
  ['ETIMEDOUT', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['ENOTFOUND', 'unreachable'],
  ['EAI_AGAIN', 'unreachable'],
  // Wrong password, no entry for this host or user, no such database, no right: to be mended, and nothing is stored until then.
  ['28P01', 'refused'],
  ['28000', 'refused'],
  ['3D000', 'refused'],
  ['42501', 'refused'],
  // admin_shutdown, crash_shutdown, cannot_connect_now.
  ['57P01', 'starting'],
  ['57P02', 'starting'],
  ['57P03', 'starting'],
  // database_dropped; idle_session_timeout.
  ['57P04', 'refused'],
  ['57P05', 'starting'],
  // too_many_connections, of the whole server, of the role or of the database.
  ['53300', 'connections-exhausted'],
  // query_canceled: its time was over; idle_in_transaction_session_timeout; lock_not_available.
  ['57014', 'slow'],
  ['25P03', 'slow'],
  ['55P03', 'slow'],
  // read_only_sql_transaction: it is a standby now, or somebody set default_transaction_read_only.
  ['25006', 'read-only'],
  // What is left of the tries of `pool.ts` when batches still meet.
  ['40P01', 'slow'],
  ['40001', 'slow'],
  ['53100', 'disk-full'],
  ['53200', 'memory-full'],
  ['58030', 'disk-failed'],
]);

/** What pg 8.23 throws without a code when a connection broke or none was to be had in time. */
const REASON_BY_MESSAGE: readonly (readonly [string, StoreAwayReason])[] = [
  ['Connection terminated due to connection timeout', 'unreachable'],
  ['Connection terminated', 'unreachable'],
  ['Client has encountered a connection error', 'unreachable'],
  ['Client was closed and is not queryable', 'unreachable'],
  // The pool's own connections are all in use, each by a statement that takes long.
  ['timeout exceeded when trying to connect', 'slow'],
  ['timeout expired', 'unreachable'],
  ['Query read timeout', 'slow'],
];

function codeOf(cause: unknown): string | undefined {
  // Node names an attempt at several addresses by its first fault.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(first instanceof Error) || !('code' in first)) return undefined;
  return typeof first.code === 'string' ? first.code : undefined;
}
