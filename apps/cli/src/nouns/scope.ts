// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { parseLabel, parseWhole } from '../flags.ts';
import type { OutputFlags } from '../output.ts';
import { PATHS } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';
import { seenRevision } from './seen-revision.ts';

/** `outrider pause | resume global | region <name>`: everything in a scope, whatever the rollout. */
export function scopeNouns(program: Command, world: World): void {
  const pause = withScope(program.command('pause'))
    .description('stop all permits, globally or in a region, from the moment this returns')
    .option('--including-rollback', 'stop rollbacks as well');
  const resume = withScope(program.command('resume')).description('let a paused scope go on');
  pause.action((scope: string, name: string | undefined, flags: ScopeFlags) =>
    change(world, 'pause', scopeOf(scope, name), flags),
  );
  resume.action((scope: string, name: string | undefined, flags: ScopeFlags) =>
    change(world, 'resume', scopeOf(scope, name), flags),
  );
}

interface ScopeFlags extends ConnectionFlags, OutputFlags {
  readonly reason: string;
  readonly author?: string;
  readonly expectedRevision?: number;
  readonly includingRollback?: true;
}

function withScope(command: Command): Command {
  return withConnection(command)
    .argument('<scope>', 'global or region')
    .argument('[name]', 'the region')
    .requiredOption('--reason <text>', 'why, for people; kept in the policy log')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON');
}

function scopeOf(scope: string, name: string | undefined): string {
  if (scope === 'global' && name === undefined) return 'global';
  if (scope === 'region' && name !== undefined) return `region:${name}`;
  throw usageFailure(
    `The scope is "${[scope, name ?? ''].join(' ').trim()}", allowed are \`global\` and \`region <name>\``,
  );
}

async function change(world: World, verb: 'pause' | 'resume', scope: string, flags: ScopeFlags): Promise<void> {
  const body = {
    scope,
    reason: flags.reason,
    author: flags.author,
    expectedRevision: verb === 'resume' ? await seenRevision(world, flags) : flags.expectedRevision,
    isIncludingRollback: flags.includingRollback,
  };
  showReceipt(world, flags, await tell(world, flags, `${PATHS.scopes}/${verb}`, body));
}
