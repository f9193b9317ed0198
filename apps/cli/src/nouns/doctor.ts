// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { LAST_BACKUP_FILE } from '@outrider/adapters/server/backup/installation';
import { findPostgresPackage } from '@outrider/adapters/server/embedded-postgres/binaries';
import { PostgresStartError } from '@outrider/adapters/server/embedded-postgres/errors';
import { MIGRATIONS } from '@outrider/adapters/server/postgres/migrations';
import { SERVER_SETTINGS, type ServerSettings } from '@outrider/adapters/server/server-settings';
import { wallClock } from '@outrider/adapters/shared/clock';
import { errorCode, readTextIfPresent } from '@outrider/adapters/shared/files';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { record, whole } from '@outrider/protocol/kernel/reader';
import type { Command } from 'commander';
import { dataFolder } from '../connection.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { OutputFlags } from '../output.ts';
import { findServerSettings, type SettingsFlags } from '../server-settings.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';
import { caCheck } from './doctor/ca-check.ts';
import { databaseChecks } from './doctor/database-checks.ts';
import { probePlace } from './doctor/database-probe.ts';
import { type Finding, ok, warn, worstOf, wrong } from './doctor/finding.ts';
import { folderChecks } from './doctor/folder-checks.ts';
import { probeFolder } from './doctor/folder-probe.ts';
import { backupCheck, portCheck, serverChecks } from './doctor/network-checks.ts';
import { probePort, probeServer } from './doctor/network-probe.ts';
import { type RuntimeFacts, runtimeChecks } from './doctor/runtime-checks.ts';
import { secretChecks } from './doctor/secret-checks.ts';
import { probeSecrets } from './doctor/secret-probe.ts';
import { trustCheck } from './doctor/trust-check.ts';

type Flags = SettingsFlags & OutputFlags;

/** `outrider doctor`: everything that can be wrong with an installation, whether its server runs or not. */
export function doctorNoun(program: Command, world: World, end: (code: number) => void): void {
  program
    .command('doctor')
    .description('say what is wrong with a server on this machine and how to mend it; changes nothing')
    .option('--data <folder>', 'data folder of the server (default: OUTRIDER_DATA, else .outrider in the checkout)')
    .option('--config <file>', 'configuration file (default: outrider.json in the data folder)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExit codes: ${EXIT_CODES.ok} ok or warnings alone, ${EXIT_CODES.failed} something is wrong`,
    )
    .action(async (flags: Flags) => end(await doctor(world, flags)));
}

async function doctor(world: World, flags: Flags): Promise<number> {
  const findings = await examine(world, flags);
  const worst = worstOf(findings);
  if (flags.json === true) world.write(`${JSON.stringify({ state: worst, checks: findings })}\n`);
  else world.write(pageOf(findings, worst));
  return worst === 'wrong' ? EXIT_CODES.failed : EXIT_CODES.ok;
}

/** A table of what was seen, and below it, where it is not as it should be, what to do. */
function pageOf(findings: readonly Finding[], worst: Finding['state']): string {
  const rows = table(findings, [
    { title: 'state', cell: ({ state }) => state },
    { title: 'check', cell: ({ check }) => check },
    { title: 'seen', cell: ({ seen }) => seen },
  ]);
  const advice = findings.flatMap(({ check, mend }) => (mend === undefined ? [] : [`${check}: ${mend}\n`]));
  const count = (state: Finding['state']) => findings.filter((one) => one.state === state).length;
  const sum = worst === 'ok' ? 'All is well' : `${count('wrong')} wrong, ${count('warn')} to look at`;
  return `${rows}\n${advice.length === 0 ? '' : `${advice.join('')}\n`}${sum}\n`;
}

async function examine(world: World, flags: Flags): Promise<readonly Finding[]> {
  const nowMs = wallClock().now();
  const settings = findServerSettings(world, flags);
  // With settings that no server would start with, the rest is looked at as if nothing had been said.
  const said = settings.ok ? settings.value : undefined;
  const folder = said?.values.dataFolder ?? dataFolder(world, flags);
  const folderFacts = await probeFolder(folder);
  const runtime = { ...(await probeRuntime()), hasOwnDatabase: said?.databaseUrl !== undefined, nowMs };
  const first = [
    ...runtimeChecks(runtime),
    ...settingsChecks(said, settings.ok ? undefined : settings.error.sentence),
    ...folderChecks(folderFacts),
  ];
  // What would lie in it cannot be looked at, and saying so of each thing would hide the one that is wrong.
  if (folderFacts.kind === 'not-a-folder' || folderFacts.kind === 'unreadable') return first;
  const role = said?.values.releaseRoleFile;
  const secretsFolder = said?.values.secretsFolder ?? folder;
  const isGateway = said?.values.role === 'gateway';
  const secrets = await probeSecrets(secretsFolder, {
    path: role ?? join(secretsFolder, 'release-role.json'),
    isNamed: role !== undefined,
  });
  const server = await probeServer(world, folder);
  const host = said?.values.host ?? SERVER_SETTINGS.host.default;
  const port = await probePort(world, host, said?.values.port ?? SERVER_SETTINGS.port.default);
  const { place, lookedAt } = await probePlace(folder, said?.databaseUrl);
  const limits = {
    schemaKnown: MIGRATIONS.length,
    connectionsWanted: said?.values.databaseConnectionsMax ?? SERVER_SETTINGS.databaseConnectionsMax.default,
  };
  const madeAtMs = await lastBackupAt(join(folder, LAST_BACKUP_FILE));
  return [
    ...first,
    ...secretChecks({ ...secrets, isGateway }),
    await trustCheck(secretsFolder, fleetInstant(nowMs)),
    await caCheck(secretsFolder, fleetInstant(nowMs)),
    ...databaseChecks(place, lookedAt, limits),
    portCheck(port, server),
    ...serverChecks(server),
    backupCheck({ nowMs, hasRun: secrets.hasRun, ...(madeAtMs === undefined ? {} : { madeAtMs }) }),
  ];
}

function settingsChecks(settings: ServerSettings | undefined, fault: string | undefined): readonly Finding[] {
  if (settings === undefined) return [wrong('settings', fault ?? '', 'See docs/configuration.md')];
  const { file, notices } = settings;
  if (notices.length > 0) return notices.map(({ sentence }) => warn('settings', sentence, 'See docs/configuration.md'));
  return [ok('settings', file === undefined ? 'No configuration file' : `Read from ${file.path}`)];
}

async function probeRuntime(): Promise<Pick<RuntimeFacts, 'nodeVersion' | 'platform' | 'binaries'>> {
  const runtime = { nodeVersion: process.version, platform: `${process.platform}-${process.arch}` };
  try {
    return { ...runtime, binaries: { version: (await findPostgresPackage()).version } };
  } catch (cause) {
    if (cause instanceof PostgresStartError) return { ...runtime, binaries: { fault: cause.message } };
    throw cause;
  }
}

const BACKUP_NOTE = {
  noun: 'last-backup',
  bytesMax: 65_536,
  reader: record<{ readonly madeAt: number }>({ madeAt: whole({ min: 0 }) }),
};

async function lastBackupAt(path: string): Promise<number | undefined> {
  try {
    const note = await readTextIfPresent(path);
    const parsed = note === undefined ? undefined : parseText(note, BACKUP_NOTE);
    return parsed?.ok ? parsed.value.madeAt : undefined;
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    return undefined;
  }
}
