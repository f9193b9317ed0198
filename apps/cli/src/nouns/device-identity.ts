// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Command } from 'commander';
import { cellAt, jsonAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, dataFolder, withConnection } from '../connection.ts';
import { readTextFile } from '../files.ts';
import { parseCount, parseLabel } from '../flags.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';

type Flags = ConnectionFlags & OutputFlags;

/** `outrider device token|tokens|identity|forget-tpm|revoke|reinstate`: who devices are. */
export function deviceIdentityVerbs(device: Command, world: World): void {
  withConnection(device.command('token'))
    .description('make a token that a new device registers with, once; it is shown this once')
    .option('--device-id <id>', 'only this device may use it; the one way to a new key after a revocation', parseLabel)
    .option('--count <devices>', 'how many devices may use it (default: 1)', parseCount)
    .option('--hours <hours>', 'how long it is good for (default: 24)', parseCount)
    .option('--author <name>', 'who does this')
    .option(
      '--fleet',
      'print the token of the whole fleet instead, which is good until it is changed (a server on this machine)',
    )
    .option('--json', 'print JSON')
    .action((flags: TokenFlags) => token(world, flags));

  withConnection(device.command('tokens'))
    .description('list the tokens that were made: whom they are for, how often they were used; never their texts')
    .option('--json', 'print JSON')
    .action((flags: Flags) => tokens(world, flags));

  withConnection(device.command('identity'))
    .description('show the key and the certificates of a device, and whether the key is revoked')
    .argument('<device>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => identity(world, id, flags));

  withConnection(device.command('forget-tpm'))
    .description('forget the TPM of a device: its next quote enrols the key and the registers that are there then')
    .argument('<device>', 'its id')
    .requiredOption('--reason <text>', 'why; it stands in the audit log')
    .option('--author <name>', 'who does this')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: ChangeFlags) => {
      const body = { reason: flags.reason, author: flags.author };
      const { text, value } = await tell(world, flags, pathOfOne('devices', id, 'forget-tpm'), body);
      show(world, flags, text, () => [
        ['device', id],
        ['forgotten', timeAt(value, 'at')],
      ]);
    });

  for (const [verb, description] of [
    ['revoke', 'revoke the key of a device: nobody speaks for it any more, on open connections too'],
    ['reinstate', 'take a revocation back: the key counts again'],
  ] as const) {
    withConnection(device.command(verb))
      .description(description)
      .argument('<device>', 'its id')
      .requiredOption('--reason <text>', 'why; it stands in the policy log')
      .option('--author <name>', 'who does this')
      .option('--json', 'print JSON')
      .action(async (id: string, flags: ChangeFlags) => {
        const body = { reason: flags.reason, author: flags.author };
        showReceipt(world, flags, await tell(world, flags, pathOfOne('devices', id, verb), body));
      });
  }
}

interface TokenFlags extends Flags {
  readonly deviceId?: string;
  readonly count?: number;
  readonly hours?: number;
  readonly author?: string;
  readonly fleet?: true;
}

interface ChangeFlags extends Flags {
  readonly reason: string;
  readonly author?: string;
}

async function token(world: World, flags: TokenFlags): Promise<void> {
  if (flags.fleet === true) {
    const path = join(dataFolder(world, flags), 'registration-token');
    world.write(`${(await readTextFile(world, 'registration token', path)).trim()}\n`);
    return;
  }
  const body = { deviceId: flags.deviceId, devices: flags.count, hours: flags.hours, author: flags.author };
  const { text, value } = await tell(world, flags, PATHS.registrationTokens, body);
  world.log(`It is good until ${timeAt(value, 'expiresAt')}, and shown this once`);
  world.write(flags.json === true ? `${text.trimEnd()}\n` : `${cellAt(value, 'token')}\n`);
}

async function tokens(world: World, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, PATHS.registrationTokens);
  showList(world, flags, {
    json: text,
    noun: 'registration token',
    rows: listAt(value, 'items'),
    columns: [
      { title: 'token', cell: (row) => String(cellAt(row, 'digest')).slice(0, 16) },
      { title: 'for', cell: (row) => cellAt(row, 'deviceId') ?? 'any device' },
      { title: 'used', cell: (row) => `${cellAt(row, 'uses')} of ${cellAt(row, 'usesMax')}` },
      { title: 'until', cell: (row) => timeAt(row, 'expiresAt') },
      { title: 'by', cell: (row) => cellAt(row, 'createdBy') },
    ],
  });
}

async function identity(world: World, id: string, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, pathOfOne('devices', id, 'identity'));
  const isRevoked = cellAt(value, 'revoked.by') !== undefined;
  show(world, flags, text, () => [
    ['device', cellAt(value, 'deviceId')],
    ['key', cellAt(value, 'keyId')],
    ['registered', timeAt(value, 'registeredAt')],
    ['clone', jsonAt(value, 'isCloneSuspected') === 'true' ? 'suspected: the key speaks from two places' : 'not seen'],
    ['revoked', isRevoked ? timeAt(value, 'revoked.at') : 'no'],
    ...(isRevoked
      ? ([
          ['by', cellAt(value, 'revoked.by')],
          ['because', cellAt(value, 'revoked.reason')],
        ] as const)
      : []),
  ]);
  const certificates = listAt(value, 'certificates');
  if (flags.json === true || certificates.length === 0) return;
  world.write(
    `\n${table(certificates, [
      { title: 'certificate', cell: (row) => cellAt(row, 'serial') },
      { title: 'from', cell: (row) => timeAt(row, 'notBefore') },
      { title: 'until', cell: (row) => timeAt(row, 'notAfter') },
      { title: 'key', cell: (row) => String(cellAt(row, 'keyId')).slice(0, 16) },
    ])}`,
  );
}
