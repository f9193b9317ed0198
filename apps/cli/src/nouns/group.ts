// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseLabel, parseWhole } from '../flags.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import type { World } from '../world.ts';
import { type AudienceFlags, audienceFor, withAudience } from './audience-flags.ts';
import { audienceText } from './orders.ts';

type Flags = ConnectionFlags & OutputFlags;

interface ChangeFlags extends ConnectionFlags, OutputFlags {
  readonly reason: string;
  readonly author?: string;
  readonly revision?: number;
}

/** `outrider group`: names for audiences. */
export function groupNoun(program: Command, world: World): void {
  const group = program
    .command('group')
    .description('names for audiences: for rollouts, freezes, exclusions and queries');

  withAudience(withChange(group.command('create')))
    .description('name an audience; devices come into it and leave it by their attributes and tags')
    .argument('<group>', 'its name', parseLabel)
    .action((name: string, flags: ChangeFlags & AudienceFlags) => set(world, name, flags));

  withAudience(withChange(group.command('change')))
    .description(
      'give it another audience; rollouts, freezes and exclusions made with it keep the one they were made with',
    )
    .argument('<group>', 'its name', parseLabel)
    .requiredOption(
      '--revision <number>',
      'the one that `group show` told; refused when it has changed since',
      parseWhole,
    )
    .action((name: string, flags: ChangeFlags & AudienceFlags) => set(world, name, flags));

  withChange(group.command('remove'))
    .description('forget the name; what was made with it keeps what it meant')
    .argument('<group>', 'its name', parseLabel)
    .requiredOption(
      '--revision <number>',
      'the one that `group show` told; refused when it has changed since',
      parseWhole,
    )
    .action(async (name: string, flags: ChangeFlags) => {
      const { reason, author, revision: replaces } = flags;
      receipt(
        world,
        flags,
        await tell(world, flags, pathOfOne('groups', name, 'remove'), { reason, author, replaces }),
      );
    });

  withConnection(group.command('list'))
    .description('those there are')
    .option('--json', 'print JSON')
    .action(async (flags: Flags) => {
      const { text, value } = await ask(world, flags, PATHS.groups);
      showList(world, flags, {
        json: text,
        noun: 'group',
        rows: listAt(value, 'items'),
        columns: [
          { title: 'group', cell: (row) => cellAt(row, 'groupId') },
          { title: 'devices that are', cell: (row) => audienceText(row, 'audience') },
          { title: 'revision', cell: (row) => cellAt(row, 'revision') },
          { title: 'by', cell: (row) => cellAt(row, 'by') },
          { title: 'reason', cell: (row) => cellAt(row, 'reason') },
        ],
      });
    });

  withConnection(group.command('show'))
    .description('what it means, and how many devices are in it now')
    .argument('<group>', 'its name', parseLabel)
    .option('--json', 'print JSON')
    .action(async (name: string, flags: Flags) => {
      const { text, value } = await ask(world, flags, pathOfOne('groups', name));
      const isExact = cellAt(value, 'isExact') === 'yes';
      show(world, flags, text, () => [
        ['group', cellAt(value, 'groupId')],
        ['devices that are', audienceText(value, 'audience')],
        ['registered now', `${isExact ? '' : 'at least '}${cellAt(value, 'devices')}`],
        ['revision', cellAt(value, 'revision')],
        ['set', timeAt(value, 'at')],
        ['by', cellAt(value, 'by')],
        ['reason', cellAt(value, 'reason')],
      ]);
    });
}

function withChange(command: Command): Command {
  return withConnection(command)
    .requiredOption('--reason <text>', 'why, for people; kept in the policy log')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--json', 'print JSON');
}

async function set(world: World, groupId: string, flags: ChangeFlags & AudienceFlags): Promise<void> {
  const { reason, author, revision: replaces } = flags;
  const group = { groupId, audience: await audienceFor(world, flags), reason };
  receipt(world, flags, await tell(world, flags, PATHS.groups, { group, replaces, author }));
}

function receipt(world: World, flags: OutputFlags, { text, value }: Awaited<ReturnType<typeof tell>>): void {
  show(world, flags, text, () => [
    ['revision', cellAt(value, 'revision')],
    ['at', timeAt(value, 'at')],
  ]);
}
