// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseLabel } from '../flags.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider person`: who was here, and who is shut out. Roles are given at the issuer, not here. */
export function personNoun(program: Command, world: World): void {
  const person = program
    .command('person')
    .description('who was here, and who is shut out; roles are the issuer’s to give');

  withConnection(person.command('list'))
    .description('everybody who was here, and who is shut out')
    .option('--json', 'print JSON')
    .action((flags: ConnectionFlags & OutputFlags) => list(world, flags));

  for (const [verb, description] of [
    ['block', 'shut somebody out at once: sessions end, and their service tokens with them'],
    ['unblock', 'let somebody in again'],
  ] as const) {
    withConnection(person.command(verb))
      .description(description)
      .argument('<person>', 'as `person list` and the audit log call them', parseLabel)
      .requiredOption('--reason <text>', 'why, for people; kept in the audit log')
      .option('--json', 'print JSON')
      .action(async (id: string, flags: ConnectionFlags & OutputFlags & { readonly reason: string }) => {
        const { text, value } = await tell(world, flags, pathOfOne('people', id, verb), { reason: flags.reason });
        show(world, flags, text, () => [
          ['person', cellAt(value, 'personId')],
          ['shut out', cellAt(value, 'isBlocked')],
        ]);
      });
  }
}

async function list(world: World, flags: ConnectionFlags & OutputFlags): Promise<void> {
  const { text, value } = await ask(world, flags, PATHS.people);
  showList(world, flags, {
    json: text,
    noun: 'person',
    rows: listAt(value, 'items'),
    columns: [
      { title: 'person', cell: (row) => cellAt(row, 'personId') },
      { title: 'name', cell: (row) => cellAt(row, 'name') },
      { title: 'last seen', cell: (row) => timeAt(row, 'lastSeenMs') },
      { title: 'shut out', cell: (row) => timeAt(row, 'blocked.atMs') },
      { title: 'by', cell: (row) => cellAt(row, 'blocked.by') },
      { title: 'reason', cell: (row) => cellAt(row, 'blocked.reason') },
    ],
  });
}
