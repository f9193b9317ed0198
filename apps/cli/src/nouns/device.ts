// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseInstant } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { ask } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';
import { deviceAddVerb } from './device-add.ts';
import { deviceExportVerb } from './device-export.ts';
import { deviceIdentityVerbs } from './device-identity.ts';
import { deviceImportVerb } from './device-import.ts';
import { deviceListVerb } from './device-list.ts';
import { deviceTagVerbs } from './device-tag.ts';
import { manifestLines } from './shown-manifests.ts';

type Flags = ConnectionFlags & OutputFlags;

/** `outrider device`: who is registered, and why a device gets what it gets. */
export function deviceNoun(program: Command, world: World): void {
  const device = program.command('device').description('the registry of devices');

  deviceListVerb(device, world);
  deviceAddVerb(device, world);
  deviceImportVerb(device, world);
  deviceExportVerb(device, world);

  withConnection(device.command('show'))
    .description('what it runs, its attributes and its rows in the ledgers')
    .argument('<device>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => showOne(world, id, flags));

  withConnection(device.command('explain'))
    .description('why it gets, or does not get, an update: every condition with the values that decide it')
    .argument('<device>', 'its id')
    .option('--at <instant>', 'as it was then, for example 2026-11-21T09:00:00Z (default: now)', parseInstant)
    .option('--json', 'print JSON')
    .action((id: string, flags: ExplainFlags) => explain(world, id, flags));

  deviceTagVerbs(device, world);
  deviceIdentityVerbs(device, world);
}

async function showOne(world: World, id: string, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, pathOfOne('devices', id));
  show(world, flags, text, () => [
    ['device', cellAt(value, 'record.deviceId')],
    ...['deviceType', 'model', 'hardwareId', 'region', 'customer', 'carrier'].map(
      (name): readonly [string, string | number | undefined] => [name, cellAt(value, `record.attributes.${name}`)],
    ),
    ['tags', listAt(value, 'record.attributes.tags').join(' ')],
    ['registered', timeAt(value, 'record.registeredAt')],
    ['last contact', timeAt(value, 'record.status.lastContactAt')],
    ['state', cellAt(value, 'record.status.state')],
    ['version', cellAt(value, 'record.status.running.version')],
    ['counter', cellAt(value, 'record.status.running.releaseCounter')],
    ...manifestLines(value),
  ]);
  const rows = listAt(value, 'ledger');
  if (flags.json === true || rows.length === 0) return;
  world.write(
    `\n${table(rows, [
      { title: 'rollout', cell: (row) => cellAt(row, 'rolloutId') },
      { title: 'kind', cell: (row) => cellAt(row, 'kind') },
      { title: 'arm', cell: (row) => cellAt(row, 'arm') },
      { title: 'granted', cell: (row) => timeAt(row, 'grantedAt') },
      { title: 'permit', cell: (row) => cellAt(row, 'permitId') },
    ])}`,
  );
}

interface ExplainFlags extends Flags {
  readonly at?: number;
}

async function explain(world: World, id: string, flags: ExplainFlags): Promise<void> {
  const query = flags.at === undefined ? '' : `?at=${flags.at}`;
  const { text, value } = await ask(world, flags, `${pathOfOne('devices', id, 'explain')}${query}`);
  show(world, flags, text, () => [
    ['device', cellAt(value, 'deviceId')],
    ['answer', cellAt(value, 'answer.code')],
    ['because', cellAt(value, 'answer.sentence')],
    ...(value !== null && typeof value === 'object' && 'isCloneSuspected' in value
      ? ([['clone', 'suspected: its key speaks from two places, see `outrider device identity`']] as const)
      : []),
    ...manifestLines(value),
    ['rollout', cellAt(value, 'answer.rolloutId')],
    ['as of', timeAt(value, 'past.at')],
    ['policy revision', cellAt(value, 'past.revision')],
    ...listAt(value, 'past.knownAsToday').map((gap): readonly [string, string] => ['as it is today', String(gap)]),
  ]);
  if (flags.json === true) return;
  for (const rollout of listAt(value, 'rollouts')) {
    const goal = cellAt(rollout, 'isRollback') === 'yes' ? 'back to' : 'to';
    world.write(
      `\n${cellAt(rollout, 'rolloutId')}, ${goal} ${cellAt(rollout, 'version')}: ${cellAt(rollout, 'permit.sentence')}\n`,
    );
    world.write(
      table(listAt(rollout, 'offer'), [
        { title: 'holds', cell: (row) => cellAt(row, 'holds') },
        { title: 'condition', cell: (row) => cellAt(row, 'claim') },
        { title: 'seen', cell: (row) => cellAt(row, 'seen') },
        { title: 'needed', cell: (row) => cellAt(row, 'needed') },
      ]),
    );
  }
}
