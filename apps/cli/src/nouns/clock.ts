// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseLabel } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { PATHS } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider clock accept`: a person has looked at the server's clock after a jump. */
export function clockNoun(program: Command, world: World): void {
  const clock = program.command('clock').description('the clock of the server');
  withConnection(clock.command('accept'))
    .description('vouch for the wall clock of the server after a jump, so that rollouts may widen again')
    .requiredOption('--reason <text>', 'why, for people; kept in the log of the server')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--json', 'print JSON')
    .action((flags: AcceptFlags) => accept(world, flags));
}

interface AcceptFlags extends ConnectionFlags, OutputFlags {
  readonly reason: string;
  readonly author?: string;
}

async function accept(world: World, flags: AcceptFlags): Promise<void> {
  const body = { reason: flags.reason, author: flags.author };
  const { text, value } = await tell(world, flags, PATHS.clockAccept, body);
  show(world, flags, text, () => [
    ['fleet time', timeAt(value, 'now')],
    ['ahead of the wall clock', `${Math.round(Number(cellAt(value, 'leadMs')) / 1_000)} s`],
  ]);
}
