// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createFolder } from '@outrider/adapters/shared/files';
import type { Command } from 'commander';
import { dataFolder } from '../connection.ts';
import { fileFailure } from '../files.ts';
import { parsePort } from '../flags.ts';
import type { World } from '../world.ts';

/** `outrider up`: the product without the demonstration, as a child process with its own PostgreSQL in the data folder. */
export function upNoun(program: Command, world: World, end: (code: number) => void): void {
  program
    .command('up')
    .description('run the server with everything it needs; stops with Ctrl-C')
    .option(
      '--data <folder>',
      'where everything is kept (default: OUTRIDER_DATA, else .outrider in the checkout or, installed, in this folder)',
    )
    .option('--port <port>', 'port on this machine, 0 for any free one', parsePort, PORT_DEFAULT)
    .option('--release-role <file>', 'who must sign releases (default: release-role.json in the data folder)')
    .option('--log-to-terminal', 'show the log here instead of writing it to server.log')
    .action(async (flags: UpFlags) => end(await up(world, flags)));
}

const PORT_DEFAULT = 8440;

interface UpFlags {
  readonly data?: string;
  readonly port: number;
  readonly releaseRole?: string;
  readonly logToTerminal?: true;
}

async function up(world: World, flags: UpFlags): Promise<number> {
  const data = dataFolder(world, flags);
  try {
    await createFolder(data, 0o700);
  } catch (cause) {
    throw fileFailure(cause, 'data folder', data, 'written');
  }
  const logFile = join(data, 'server.log');
  world.log(`Data in ${data}: the API's token in admin-token, the token for new devices in registration-token`);
  if (flags.logToTerminal !== true) world.log(`Log in ${logFile}`);
  return world.runProgram({
    name: 'server',
    parameters: [
      ...['--data', data, '--port', String(flags.port)],
      ...(flags.releaseRole === undefined ? [] : ['--release-role', flags.releaseRole]),
    ],
    ...(flags.logToTerminal === true ? {} : { logFile }),
  });
}
