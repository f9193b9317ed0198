// SPDX-License-Identifier: Apache-2.0
import { BACKUP_ERRORS, type BackupErrorCode } from '@outrider/adapters/server/backup/errors';
import type { CodeText, ErrorArea } from './area.ts';

const NOTHING_WRITTEN = 'No file of that name was written; the installation is as it was.';
const NOTHING_RESTORED = 'Nothing was written, or all of it was taken back.';

/** What is safe, and what to do. */
const ACTS: Readonly<Record<BackupErrorCode, readonly [safe: string, act: string]>> = {
  'backup-exists': ['It is untouched.', 'Choose another name; a date in it helps.'],
  'backup-unusable': [NOTHING_WRITTEN, 'The sentence says why: mend the path, its rights or the space on its disk.'],
  'backup-damaged': [
    NOTHING_RESTORED,
    'Take another copy of it, or the backup before. Look at the disk and the way on which it was copied.',
  ],
  'backup-newer': [NOTHING_RESTORED, 'Restore it with the version that the sentence names, or a newer one.'],
  'blob-damaged': [
    `${NOTHING_WRITTEN} Devices that were offered it verify what they download and refuse it too.`,
    'Put the file back from an older backup, or remove what is left of it in `blobs` and upload the image again.',
  ],
  'key-missing': [NOTHING_WRITTEN, 'Name the data folder of the server with --data.'],
  'folder-not-empty': ['What is in it is untouched.', 'Restore into an empty folder, or one that does not exist yet.'],
  'database-not-empty': ['What is in it is untouched.', 'Restore into an empty database.'],
  'restore-under-way': ['The other restore goes on.', 'Wait for its end.'],
  'storage-full': [NOTHING_RESTORED, 'Make room on that disk, or restore into a folder on a larger one.'],
};

/** Codes of `outrider backup` and `outrider restore`. */
export const backupArea: ErrorArea = {
  name: 'backup',
  title: 'Why a backup or a restore did not work',
  intro: 'The code of `outrider backup` and `outrider restore` on standard error with --json.',
  codes: Object.fromEntries(
    Object.entries(ACTS).map(([code, [safe, act]]): readonly [string, CodeText] => [
      code,
      // The names of the table itself.
      [`${BACKUP_ERRORS[code as BackupErrorCode]}.`, safe, act],
    ]),
  ),
};
