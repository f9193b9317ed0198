// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError } from '@outrider/domain/decision/store-away';

/**
 * The database holds a newer schema than this program knows: migrations only go forward. Code: schema-newer.
 */
export class SchemaNewerError extends Error {
  override readonly name = 'SchemaNewerError';
  readonly code = 'schema-newer';

  constructor(seen: number, known: number) {
    super(
      `The database has schema ${seen}, this program knows schemas up to ${known}: start the newer program that made it`,
    );
  }
}

/** What a caller of a port gets for what `pg` threw: a database that is away has a name of its own. */
export function named(cause: unknown): unknown {
  return isAway(cause) ? new StoreAwayError(cause) : cause;
}

/** Two batches waited for each other and PostgreSQL ended this one, unharmed: it may simply be made again. */
export function isDeadlock(cause: unknown): boolean {
  return codeOf(cause) === '40P01';
}

function isAway(cause: unknown): boolean {
  const code = codeOf(cause);
  if (code !== undefined) return AWAY_CODES.has(code) || AWAY_CLASSES.some((one) => code.startsWith(one));
  return cause instanceof Error && AWAY_MESSAGES.some((message) => cause.message.includes(message));
}

/** Classes "connection exception", and "insufficient resources": no disk, memory or connection left (its manual, appendix A). */
const AWAY_CLASSES: readonly string[] = ['08', '53'];

const AWAY_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  // Wrong password, no right to connect, no such database: an address to be mended, and nothing can be stored until then.
  '28P01',
  '28000',
  '3D000',
  // admin_shutdown, crash_shutdown, cannot_connect_now; read_only: it is a standby now.
  '57P01',
  '57P02',
  '57P03',
  '25006',
  // query_canceled: its time was over while it waited; idle_in_transaction_session_timeout; io_error of its disk.
  '57014',
  '25P03',
  '58030',
]);

/** What pg 8.23 throws without a code when a connection broke or none was to be had in time. */
const AWAY_MESSAGES: readonly string[] = [
  'Connection terminated',
  'Client has encountered a connection error',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
];

function codeOf(cause: unknown): string | undefined {
  // Node names an attempt at several addresses by its first fault.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(first instanceof Error) || !('code' in first)) return undefined;
  return typeof first.code === 'string' ? first.code : undefined;
}
