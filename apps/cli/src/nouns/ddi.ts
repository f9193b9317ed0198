// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, recordAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { createFile, readTextFile } from '../files.ts';
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

  changing(ddi.command('certificate'))
    .description(
      'have the CA make a certificate for its own key, which may be P-256 or RSA; those for another key are void at once',
    )
    .argument('<device>', 'its id, which is the common name of the request')
    .requiredOption('--csr <file>', 'PKCS#10 in PEM, as `openssl req -new` writes it on the device')
    .requiredOption('--out <file>', 'where the certificate goes')
    .action((id: string, flags: CertificateFlags) => certify(world, id, flags));

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

interface CertificateFlags extends Flags {
  readonly csr: string;
  readonly out: string;
}

async function certify(world: World, id: string, flags: CertificateFlags): Promise<void> {
  const [, base64] = CSR_PEM.exec(await readTextFile(world, 'certificate request', flags.csr)) ?? [];
  if (base64 === undefined) {
    throw usageFailure(`${flags.csr} holds no certificate request in PEM; make one with \`openssl req -new\``);
  }
  const body = { csr: base64.replace(/\s/g, '') };
  const { text, value } = await tell(world, flags, pathOfOne('ddiDevices', id, 'certificate'), body);
  // Lost on the way to the disk it is asked for again: for the same key nothing is void.
  await createFile(world, { noun: 'certificate', path: flags.out, mode: 0o644 }, String(cellAt(value, 'chain')));
  show(world, flags, text, () => [
    ['device', id],
    ['certificate', flags.out],
    ['until', timeAt(value, 'notAfter')],
  ]);
}

/** OpenSSL of long ago wrote NEW before it. */
const CSR_PEM = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]{1,16384})-----END/;

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
