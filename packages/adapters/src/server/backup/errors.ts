// SPDX-License-Identifier: Apache-2.0

/** Why there is no backup, or no restored installation: one sentence for each code. Codes never change, texts may. */
export const BACKUP_ERRORS = {
  'backup-exists': 'The file to be written is there already',
  'backup-unusable': 'The file cannot be read or written, or there is nothing to back up',
  'backup-damaged': 'It is no backup, was cut off, or a byte of it has changed',
  'backup-newer': 'A program that knows more has made it',
  'blob-damaged': 'A blob that a release or a delta names is missing, or has another content than its digest',
  'key-missing': 'A file of the data folder that an installation cannot do without is not there',
  'folder-not-empty': 'The folder to restore into holds something',
  'database-not-empty': 'The database to restore into holds an installation',
  'restore-under-way': 'Another restore works on this folder',
  'storage-full': 'The disk of the folder to restore into has no room for all that the backup holds',
} as const;

export type BackupErrorCode = keyof typeof BACKUP_ERRORS;

export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;

  /** `detail` is a sentence for people: what happened, what was seen, what to do. */
  constructor(code: BackupErrorCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
