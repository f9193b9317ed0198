// SPDX-License-Identifier: Apache-2.0
import type { PostgresStartCode } from '@outrider/adapters/server/embedded-postgres/errors';

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
  /** DATABASE_URL is set and nothing answers there. */
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
} as const satisfies Readonly<Record<PostgresStartCode, number>> & Readonly<Record<string, number>>;

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
