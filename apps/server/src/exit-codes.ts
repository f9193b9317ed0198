// SPDX-License-Identifier: Apache-2.0
import type { PostgresStartCode } from '@outrider/adapters/server/embedded-postgres/errors';
import type { DatabaseFaultCode } from '@outrider/adapters/server/postgres/database-fault';
import type { SchemaErrorCode } from '@outrider/adapters/server/postgres/errors';

/** How the server program ends. Codes never change: supervisors branch on them. */
export const EXIT_CODES = {
  /** Stopped by a signal, cleanly. */
  stopped: 0,
  /** A fault nobody foresaw; the log has it. */
  failed: 1,
  /** A setting is wrong, whether it came by flag, environment or configuration file. */
  usage: 2,
  /** The data folder cannot be read or written. */
  'folder-unusable': 3,
  /** Another server runs on this data folder. */
  'data-folder-in-use': 4,
  'port-in-use': 5,
  /** The port may not be opened, for instance below 1024 without the right. */
  'port-refused': 6,
  /** A file in the data folder, or one named by a flag, is not what it should be. */
  'file-malformed': 7,
  /** A database URL is set and nothing answers there, or it has no connection left. */
  'database-away': 8,
  /** A newer program has used this database. */
  'schema-newer': 9,
  /** PostgreSQL's binaries are not installed. */
  'postgres-not-installed': 10,
  'system-user-missing': 11,
  'cluster-belongs-elsewhere': 12,
  'initdb-failed': 13,
  'postgres-did-not-start': 14,
  'database-url-malformed': 15,
  /** The database refuses the user, its password or this address. */
  'database-login-refused': 16,
  'database-missing': 17,
  /** The user of the database URL may not connect or create tables. */
  'database-rights-missing': 18,
  /** The database takes encrypted connections only. */
  'database-tls-needed': 19,
  /** Encryption is asked for and the database offers none. */
  'database-tls-refused': 20,
  /** The certificate of the database is not trusted. */
  'database-tls-untrusted': 21,
  /** The database is older than PostgreSQL 15. */
  'database-too-old': 22,
  /** The database is a standby, or takes no writes. */
  'database-read-only': 23,
  /** A migration was applied to this database with another text than this program has. */
  'migration-changed': 30,
  /** Servers of a former version run that could not work with what this one would make of the database. */
  'schema-in-use': 31,
  /** Something held a lock on a table all the while. */
  'schema-locked': 32,
  /** A restore into this data folder was begun and has not ended. */
  'restore-unfinished': 33,
  /** Stopped by a signal; what still hung when the time to stop was over, or at a second signal, was cut off. */
  'stopped-short': 40,
  /** The socket of the terminator cannot be opened. */
  'socket-refused': 42,
  /** The folder `ca` holds files that do not fit together. */
  'ca-malformed': 43,
  /** The disk of the data folder has no room for a file that is needed. */
  'storage-full': 41,
} as const satisfies Readonly<Record<PostgresStartCode | DatabaseFaultCode | SchemaErrorCode, number>> &
  Readonly<Record<string, number>>;

export type ExitName = keyof typeof EXIT_CODES;

/** Why the server does not start: one sentence for people, and a name that stands in the table above. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code: ExitName;

  constructor(code: ExitName, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
