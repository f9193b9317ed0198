// SPDX-License-Identifier: Apache-2.0
import { backUpInstallation } from '@outrider/adapters/server/backup/installation';
import type { BackupManifest } from '@outrider/adapters/server/backup/manifest';
import { wallClock } from '@outrider/adapters/shared/clock';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import type { Command } from 'commander';
import { backupFailure } from '../backup-failure.ts';
import { backupProgress, bytesText } from '../backup-progress.ts';
import { pathOf } from '../files.ts';
import { type OutputFlags, show } from '../output.ts';
import { type SettingsFlags, serverSettings } from '../server-settings.ts';
import type { Field } from '../table.ts';
import { VERSION } from '../version.ts';
import type { World } from '../world.ts';

/** `outrider backup <file>`: the whole installation in one file, while its server works. */
export function backupNoun(program: Command, world: World): void {
  withPlace(program.command('backup'))
    .description('write database, blobs, permit key and registration token into one new file, while the server works')
    .argument('<file>', 'a file that does not exist yet')
    .action((file: string, flags: BackupFlags) => backUp(world, file, flags));
}

export type BackupFlags = SettingsFlags & OutputFlags;

/** The flags that name an installation on this machine. */
export function withPlace(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder (default: OUTRIDER_DATA, else .outrider in the checkout)')
    .option('--config <file>', 'configuration file of the server (default: outrider.json in the data folder)')
    .option('--json', 'print JSON');
}

async function backUp(world: World, file: string, flags: BackupFlags): Promise<void> {
  const { values, databaseUrl } = serverSettings(world, flags);
  const path = pathOf(world, file);
  const onProgress = backupProgress(world);
  try {
    const { manifest, bytes } = await backUpInstallation({
      path,
      dataFolder: values.dataFolder,
      secretsFolder: values.secretsFolder,
      blobFolder: values.blobFolder,
      databaseUrl,
      now: wallClock().now(),
      program: VERSION,
      onProgress,
    });
    show(world, flags, encodeJson({ path, bytes, ...summaryOf(manifest) }), () => [
      ['backup', `${path} (${bytesText(bytes)}, mode 0600)`],
      ...fieldsOf(manifest),
      ['holds', 'the permit key and the registration token: keep it where only those may read it who may sign permits'],
    ]);
  } catch (cause) {
    throw backupFailure(cause);
  }
}

/** What a backup holds, for scripts. */
export function summaryOf({ madeAt, revision, program, migrations, tables, parts }: BackupManifest) {
  const rows = Object.fromEntries(tables.map((one) => [one.name, one.rows]));
  const blobs = parts.filter((one) => one.name.startsWith('blobs/')).length;
  return { madeAt, revision, program, schema: migrations.length, rows, blobs };
}

/** What a backup holds, for people. */
export function fieldsOf(manifest: BackupManifest): readonly Field[] {
  const { rows, blobs, ...summary } = summaryOf(manifest);
  return [
    ['made at', new Date(summary.madeAt).toISOString()],
    ['revision', summary.revision],
    ['schema', summary.schema],
    ['devices', rows.device],
    ['permits', rows.ledger],
    ['reports', rows.report],
    ['releases', rows.release],
    ['blobs', blobs],
  ];
}
