// SPDX-License-Identifier: Apache-2.0

/** Why there is no backup, or no restored installation. Codes never change, texts may. */
export type BackupErrorCode =
  /** The file to be written is there already. */
  | 'backup-exists'
  /** The file cannot be read or written. */
  | 'backup-unusable'
  /** It is no backup, was cut off, or a byte of it has changed: nothing of it is used. */
  | 'backup-damaged'
  /** A newer program has made it. */
  | 'backup-newer'
  /** A blob that a release or a delta names is not in the data folder, or has another content than its digest. */
  | 'blob-damaged'
  /** A file of the data folder that an installation cannot do without is not there. */
  | 'key-missing'
  /** The folder to restore into holds something. */
  | 'folder-not-empty'
  /** The database to restore into holds tables of an installation. */
  | 'database-not-empty'
  /** Another restore works on this folder. */
  | 'restore-under-way';

export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;

  /** `detail` is a sentence for people: what happened, what was seen, what to do. */
  constructor(code: BackupErrorCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
