// SPDX-License-Identifier: Apache-2.0

/** Why the database of this machine could not be started. Codes never change, texts may. */
export type PostgresStartCode =
  /** The binaries for this platform are not in node_modules, or are not whole. */
  | 'postgres-not-installed'
  /** PostgreSQL refuses to run as root, and no system user could be made for it. */
  | 'system-user-missing'
  /** A folder is missing, unreadable, full or on a path the system user cannot reach. */
  | 'folder-unusable'
  /** The cluster that this data folder points to is another data folder's. */
  | 'cluster-belongs-elsewhere'
  /** Another server runs on this data folder. */
  | 'data-folder-in-use'
  /** `initdb` ended with a fault. */
  | 'initdb-failed'
  /** PostgreSQL ended, or did not answer in time; the end of its log is in the detail. */
  | 'postgres-did-not-start'
  /** DATABASE_URL is not a PostgreSQL address. */
  | 'database-url-malformed';

export class PostgresStartError extends Error {
  override readonly name = 'PostgresStartError';
  readonly code: PostgresStartCode;

  /** `detail` is a sentence for people: what happened, what was seen, what to do. */
  constructor(code: PostgresStartCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  get detail(): string {
    return this.message;
  }
}
