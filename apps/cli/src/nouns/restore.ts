// SPDX-License-Identifier: Apache-2.0
import { restoreInstallation } from '@outrider/adapters/server/backup/installation';
import { verifyBackup } from '@outrider/adapters/server/backup/verify-backup';
import { wallClock } from '@outrider/adapters/shared/clock';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import type { Command } from 'commander';
import { backupFailure } from '../backup-failure.ts';
import { backupProgress } from '../backup-progress.ts';
import { usageFailure } from '../failure.ts';
import { pathOf } from '../files.ts';
import { show } from '../output.ts';
import { serverSettings } from '../server-settings.ts';
import type { World } from '../world.ts';
import { type BackupFlags, fieldsOf, summaryOf, withPlace } from './backup.ts';

/** `outrider restore <file> --data <folder>`: an installation from a backup, paused until a person resumes it. */
export function restoreNoun(program: Command, world: World): void {
  withPlace(program.command('restore'))
    .description('make an installation of a backup in an empty data folder; it comes up paused')
    .argument('<file>', 'what `outrider backup` wrote')
    .option('--check', 'only verify the backup: nothing is written')
    .action((file: string, flags: RestoreFlags) => restore(world, file, flags));
}

interface RestoreFlags extends BackupFlags {
  readonly check?: true;
}

async function restore(world: World, file: string, flags: RestoreFlags): Promise<void> {
  const path = pathOf(world, file);
  const onProgress = backupProgress(world);
  try {
    if (flags.check === true) {
      const manifest = await verifyBackup(path, onProgress);
      show(world, flags, encodeJson({ path, ...summaryOf(manifest) }), () => [
        ['backup', `${path} is whole`],
        ...fieldsOf(manifest),
      ]);
      return;
    }
    if (flags.data === undefined) {
      throw usageFailure('The data folder to restore into must be said: add --data with a folder that is empty');
    }
    const { values, databaseUrl } = serverSettings(world, flags);
    const { dataFolder } = values;
    const now = wallClock().now();
    const { manifest, entry } = await restoreInstallation({ path, dataFolder, databaseUrl, now, onProgress });
    const summary = { path, dataFolder, ...summaryOf(manifest), restoredRevision: entry.revision };
    show(world, flags, encodeJson(summary), () => [
      ['restored', `${dataFolder} from ${path}`],
      ...fieldsOf(manifest),
      ['now at', `revision ${entry.revision}: above all that the fleet has seen, and so are all epochs`],
      ['paused', 'everything, rollbacks too, until `outrider resume global --reason <text>`'],
      ['not in it', 'what was given and reported after the backup: read docs/runbooks/restore.md before you resume'],
      ['admin token', 'a new one is made at the first start'],
    ]);
  } catch (cause) {
    throw backupFailure(cause);
  }
}
