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
  /** The disk has no room for the files of the cluster. */
  | 'storage-full'
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

/** What C libraries call ENOSPC, in the words of `initdb` and PostgreSQL. */
export const NO_SPACE = 'No space left on device';

/** The same sentence whether the cluster is made or started. */
export function storageFull(folder: string, cause?: unknown): PostgresStartError {
  const detail = `The disk of the database in ${folder} is full, so that PostgreSQL cannot start; make room there, then start again`;
  return new PostgresStartError('storage-full', detail, cause);
}
