// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, recordAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseLabel } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';

interface Flags extends ConnectionFlags, OutputFlags {}

/** `outrider ddi`: devices that speak hawkBit's DDI, and gateways that speak for them. They are added with `device add`. */
export function ddiNoun(program: Command, world: World): void {
  const ddi = program.command('ddi').description('devices that speak hawkBit’s DDI, such as SWUpdate');

  withConnection(ddi.command('show'))
    .description('its window, what it told of itself, and its deployments')
    .argument('<device>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => showOne(world, id, flags));

  changing(ddi.command('token'))
    .description('make a new target token; the former one is void at once, the new one is printed here and never again')
    .argument('<device>', 'its id')
    .action(async (id: string, flags: Flags) => {
      const { text, value } = await tell(world, flags, pathOfOne('ddiDevices', id, 'token'), {});
      show(world, flags, text, () => [
        ['device', id],
        ['target token', cellAt(value, 'targetToken')],
      ]);
    });

  withConnection(ddi.command('gateways'))
    .description('the gateways that speak for devices, and for which')
    .option('--json', 'print JSON')
    .action(async (flags: Flags) => {
      const { text, value } = await ask(world, flags, PATHS.ddiGateways);
      if (flags.json === true) return world.write(`${text}\n`);
      world.write(
        table(listAt(value, 'items'), [
          { title: 'gateway', cell: (row) => cellAt(row, 'name') },
          { title: 'speaks for devices where', cell: (row) => cellAt(row, 'where') },
          { title: 'since', cell: (row) => timeAt(row, 'createdAt') },
        ]),
      );
    });

  changing(ddi.command('gateway-add'))
    .description(
      'make a token by which a gateway speaks for the devices of a query; it is printed here and never again',
    )
    .argument('<gateway>', 'a name for it', parseLabel)
    .requiredOption('--where <query>', 'the devices, for example: customer = acme and region = north')
    .action(async (name: string, flags: Flags & { readonly where: string }) => {
      const body = { name, where: flags.where };
      const { text, value } = await tell(world, flags, PATHS.ddiGateways, body);
      show(world, flags, text, () => [
        ['gateway', name],
        ['gateway token', cellAt(value, 'gatewayToken')],
      ]);
    });

  changing(ddi.command('gateway-remove'))
    .description('take the token of a gateway back')
    .argument('<gateway>', 'its name', parseLabel)
    .action(async (name: string, flags: Flags) => {
      const { text, value } = await tell(world, flags, pathOfOne('ddiGateways', name, 'remove'), {});
      show(world, flags, text, () => [['removed', cellAt(value, 'name')]]);
    });
}

function changing(command: Command): Command {
  return withConnection(command).option('--json', 'print JSON');
}

async function showOne(world: World, id: string, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, pathOfOne('ddiDevices', id));
  show(world, flags, text, () => [
    ['device', cellAt(value, 'deviceId')],
    ['target token', cellAt(value, 'hasToken')],
    ['maintenance window', cellAt(value, 'maintenanceWindow') ?? 'none: always'],
    ['told', timeAt(value, 'told.at') ?? 'nothing yet'],
    ...recordAt(value, 'told.data').map(([name, told]): readonly [string, string] => [`  ${name}`, String(told)]),
  ]);
  const actions = listAt(value, 'actions');
  if (flags.json === true || actions.length === 0) return;
  world.write(
    `\n${table(actions, [
      { title: 'deployment', cell: (row) => cellAt(row, 'actionId') },
      { title: 'rollout', cell: (row) => cellAt(row, 'rolloutId') },
      { title: 'release', cell: (row) => cellAt(row, 'releaseId') },
      { title: 'state', cell: (row) => cellAt(row, 'state') },
      { title: 'opened', cell: (row) => timeAt(row, 'openedAt') },
      { title: 'closed', cell: (row) => timeAt(row, 'closedAt') },
    ])}`,
  );
}
