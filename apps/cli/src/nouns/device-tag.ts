// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { cellAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { parseLabel, parseWhole, repeatedLabel } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { DEVICE_TAGS_PATH } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { checkQuery } from './device-list.ts';

/** `outrider device tag` and `outrider device untag`. */
export function deviceTagVerbs(device: Command, world: World): void {
  verb(device.command('tag'), 'give devices tags; one that has them already stays as it is', (tags, flags) =>
    change(world, flags, { add: tags }),
  );
  verb(device.command('untag'), 'take tags from devices; one that has none of them stays as it is', (tags, flags) =>
    change(world, flags, { remove: tags }),
  );
}

interface TagFlags extends ConnectionFlags, OutputFlags {
  readonly device?: readonly string[];
  readonly where?: string;
  readonly revision?: number;
  readonly author?: string;
}

function verb(
  command: Command,
  sentence: string,
  act: (tags: readonly string[], flags: TagFlags) => Promise<void>,
): void {
  withConnection(command)
    .description(sentence)
    .argument('<tags...>', 'one or more')
    .option('--device <id>', 'this device; repeat it', repeatedLabel)
    .addOption(new Option('--where <query>', 'the devices of a query, see docs/queries.md').conflicts('device'))
    .option(
      '--revision <number>',
      'attributesRevision of the one device, as `device list --json` tells it; refused when it has changed since',
      parseWhole,
    )
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--json', 'print JSON')
    .action((tags: readonly string[], flags: TagFlags) => act(tags.map(parseLabel), flags));
}

async function change(
  world: World,
  flags: TagFlags,
  tags: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Promise<void> {
  const { device: deviceIds, where, revision: attributesRevision, author } = flags;
  if (deviceIds === undefined && (where === undefined || where === '')) {
    throw usageFailure('Say which devices: --device, perhaps several, or --where with a query');
  }
  if (where !== undefined) checkQuery(where);
  const body = { deviceIds, where, ...tags, attributesRevision, author };
  const { text, value } = await tell(world, flags, DEVICE_TAGS_PATH, body);
  show(world, flags, text, () => [
    ['devices', cellAt(value, 'devices')],
    ['changed', cellAt(value, 'changed')],
    ...(deviceIds?.length === 1 ? ([['revision', cellAt(value, 'attributesRevision')]] as const) : []),
  ]);
}
