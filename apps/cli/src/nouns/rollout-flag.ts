// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseLabel, parseWhole } from '../flags.ts';
import type { OutputFlags } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';

/** `outrider rollout flag`: what an operator, or a driver on the telephone, says against a rollout. */
export function rolloutFlagVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('flag'))
    .description(
      'say something against a rollout; a safety flag of yours pauses it at once, one of a driver with others',
    )
    .argument('<rollout>', 'its id')
    .addOption(new Option('--severity <severity>', 'how grave it is').choices(['note', 'safety']).makeOptionMandatory())
    .requiredOption('--because <text>', 'what was said, for example: the workshop reports a brake warning')
    .option('--device <id>', 'the device whose driver has told it; it counts once', parseLabel)
    .option(
      '--region <name>',
      'it is about this region alone: a safety flag pauses the region, for every rollout',
      parseLabel,
    )
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: FlagFlags) => {
      const { severity, because: reason, device: deviceId, region, expectedRevision } = flags;
      const body = { severity, reason, deviceId, region, expectedRevision, author: flags.author };
      showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, 'flags'), body));
    });
}

interface FlagFlags extends ConnectionFlags, OutputFlags {
  readonly severity: string;
  readonly because: string;
  readonly device?: string;
  readonly region?: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}
