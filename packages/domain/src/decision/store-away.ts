// SPDX-License-Identifier: Apache-2.0

/**
 * Thrown by every port of a `ServerStore` while its database cannot do what is asked: gateways answer with "not yet",
 * `store-away`, and ask again. Whether the call had an effect is unknown; all calls are safe to repeat.
 */
export class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError';
  readonly code = 'store-away';
  /** What is wrong with the database, for people and for the answer's field `reason`. */
  readonly reason: StoreAwayReason;

  constructor(cause: unknown, reason: StoreAwayReason = 'unreachable') {
    super(`${STORE_AWAY_REASONS[reason]} (${describe(cause)}); it is tried again with the next request`, { cause });
    this.reason = reason;
  }
}

/** Why a store is away. Codes never change, sentences may. */
export type StoreAwayReason = keyof typeof STORE_AWAY_REASONS;

/** One sentence for each reason. */
export const STORE_AWAY_REASONS = {
  unreachable: 'The database cannot be reached',
  starting: 'The database is starting or stopping',
  refused: 'The database does not let this server in',
  'connections-exhausted': 'The database has no connection left for this server',
  slow: 'The database did not answer in time',
  'read-only': 'The database takes no writes',
  'disk-full': 'The disk of the database is full',
  'disk-failed': 'The disk of the database failed',
  'memory-full': 'The database has no memory left',
  'schema-newer': 'The database has been changed by a newer server that this one cannot work beside',
  overloaded: 'More requests are waiting for the database than this server keeps',
} as const;

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** How long to wait before the same request is sent again: longer where a person has to mend something first. Seconds. */
export function retryAfterS(reason: StoreAwayReason): number {
  return NEEDS_A_PERSON.has(reason) ? 30 : 5;
}

const NEEDS_A_PERSON: ReadonlySet<StoreAwayReason> = new Set<StoreAwayReason>([
  'refused',
  'read-only',
  'disk-full',
  'disk-failed',
  'schema-newer',
]);
