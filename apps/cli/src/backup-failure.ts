// SPDX-License-Identifier: Apache-2.0
import { BackupError, type BackupErrorCode } from '@outrider/adapters/server/backup/errors';
import { PostgresStartError } from '@outrider/adapters/server/embedded-postgres/errors';
import { SchemaError, SchemaNewerError } from '@outrider/adapters/server/postgres/errors';
import { errorCode } from '@outrider/adapters/shared/files';
import { STORE_AWAY_REASONS, StoreAwayError } from '@outrider/domain/decision/store-away';
import type { ExitName } from './exit-codes.ts';
import { CommandFailure } from './failure.ts';

/** How a backup or a restore that did not work ends; what nobody foresaw is thrown on. */
export function backupFailure(cause: unknown): CommandFailure {
  if (cause instanceof BackupError) return new CommandFailure(EXIT_BY_CODE[cause.code], cause.message, named(cause));
  if (cause instanceof StoreAwayError) {
    // Its own sentence is a server's, which goes on trying; a command ends here.
    const detail = `${STORE_AWAY_REASONS[cause.reason]}, so nothing was kept; look with \`outrider doctor\`, mend it, run the command again`;
    return new CommandFailure('unreachable', detail, named(cause));
  }
  if (cause instanceof PostgresStartError) {
    const isInUse = cause.code === 'data-folder-in-use';
    return new CommandFailure(isInUse ? 'refused' : 'failed', cause.message, named(cause));
  }
  if (cause instanceof SchemaNewerError || cause instanceof SchemaError) {
    return new CommandFailure('refused', cause.message, named(cause));
  }
  if (cause instanceof CommandFailure) return cause;
  // Only faults of files have a path.
  if (!(cause instanceof Error) || errorCode(cause) === undefined || !('path' in cause)) throw cause;
  const detail = `A file could not be read or written: ${cause.message}; give this user the right, and free space`;
  return new CommandFailure('failed', detail, { code: 'file-failed', cause });
}

function named(cause: { readonly code: string }): { readonly code: string; readonly cause: unknown } {
  return { code: cause.code, cause };
}

const EXIT_BY_CODE: Readonly<Record<BackupErrorCode, ExitName>> = {
  'backup-exists': 'refused',
  'backup-unusable': 'failed',
  'backup-damaged': 'failed',
  'backup-newer': 'refused',
  'blob-damaged': 'failed',
  'key-missing': 'not-found',
  'folder-not-empty': 'refused',
  'database-not-empty': 'refused',
  'restore-under-way': 'refused',
  'storage-full': 'failed',
};
