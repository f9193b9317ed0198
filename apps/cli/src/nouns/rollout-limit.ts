// SPDX-License-Identifier: Apache-2.0
import { type Command, InvalidArgumentError } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseLabel, parseWhole } from '../flags.ts';
import type { OutputFlags } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';

/** `outrider rollout limit`: a person's ceiling below the one of the rule. */
export function rolloutLimitVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('limit'))
    .description(
      'set a ceiling of treated devices below the one of the rule, or lift it; what is granted stays granted',
    )
    .argument('<rollout>', 'its id')
    .requiredOption(
      '--devices <count>',
      'the most devices that may get it, or `none` to lift the ceiling',
      parseCeiling,
    )
    .requiredOption('--reason <text>', 'why, for people; kept in the policy log')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: LimitFlags) => {
      const { devices, reason, expectedRevision } = flags;
      const body = {
        devices: devices === 'none' ? null : devices,
        reason,
        expectedRevision,
        author: flags.author,
      };
      showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, 'limit'), body));
    });
}

interface LimitFlags extends ConnectionFlags, OutputFlags {
  readonly devices: number | 'none';
  readonly reason: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}

function parseCeiling(value: string): number | 'none' {
  if (value === 'none') return 'none';
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('allowed is a whole number, 0 or more, or none');
}
