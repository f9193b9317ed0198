// SPDX-License-Identifier: Apache-2.0
import type { RolloutEvent } from '@outrider/domain/policy/rollout';
import type { Command } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { parseLabel, parseWhole } from '../flags.ts';
import type { OutputFlags } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';
import { rolloutCompleteVerb } from './rollout-complete.ts';
import { rolloutCreateVerb } from './rollout-create.ts';
import { rolloutFlagVerb } from './rollout-flag.ts';
import { rolloutForecastVerb } from './rollout-forecast.ts';
import { rolloutLimitVerb } from './rollout-limit.ts';
import { type OverruleFlags, overrulesOf, withOverrule } from './rollout-overrule.ts';
import { resumeHalted, rolloutSignResumeVerb } from './rollout-resume.ts';
import { rolloutViewVerbs } from './rollout-view.ts';
import { seenRevision } from './seen-revision.ts';

/** `outrider rollout`: one attempt to bring one release to one audience. */
export function rolloutNoun(program: Command, world: World): void {
  const rollout = program.command('rollout').description('plan, start, watch and stop rollouts');
  rolloutCreateVerb(rollout, world);
  rolloutForecastVerb(rollout, world);
  for (const event of EVENTS) eventVerb(rollout, world, event);
  rolloutFlagVerb(rollout, world);
  rolloutSignResumeVerb(rollout, world);
  rolloutLimitVerb(rollout, world);
  rolloutCompleteVerb(rollout, world);
  rolloutViewVerbs(rollout, world);
}

interface EventVerb {
  readonly event: RolloutEvent;
  readonly description: string;
  /** What the log says when nobody gave a reason; absent: a person must say why. */
  readonly reasonDefault?: string;
  /** Stops a rollback only when told so: by default the way back stays open. */
  readonly mayStopRollback?: true;
}

const EVENTS: readonly EventVerb[] = [
  {
    event: 'approve',
    description: 'approve the plan as it is; it cannot be changed afterwards',
    reasonDefault: 'approved',
  },
  { event: 'start', description: 'count the audience and open the first wave', reasonDefault: 'started' },
  { event: 'pause', description: 'no new permit from the moment this returns', mayStopRollback: true },
  { event: 'resume', description: 'go on after a pause, or after a halt by a resume that two approvers have signed' },
  { event: 'cancel', description: 'end it for good; what is installed stays', mayStopRollback: true },
  {
    event: 'halt',
    description: 'stop until two approvers sign that it goes on: no permit, and those in flight stop where it is safe',
  },
  { event: 'roll-back', description: 'offer the former version to every exposed device' },
];

interface EventFlags extends ConnectionFlags, OutputFlags, OverruleFlags {
  readonly reason?: string;
  /** For `halt`: one region of it alone. */
  readonly region?: string;
  readonly rollBack?: true;
  /** For `resume` after a halt. */
  readonly approval?: string;
  readonly author?: string;
  readonly expectedRevision?: number;
  readonly includingRollback?: true;
}

function eventVerb(
  rollout: Command,
  world: World,
  { event, description, reasonDefault, mayStopRollback }: EventVerb,
): void {
  const command = withConnection(rollout.command(event)).description(description).argument('<rollout>', 'its id');
  if (event === 'resume') {
    command.option('--reason <text>', 'why it goes on after a pause; kept in the policy log');
    command.option('--approval <file>', 'after a halt: what two approvers have signed with `rollout sign-resume`');
  } else if (reasonDefault === undefined)
    command.requiredOption('--reason <text>', 'why, for people; kept in the policy log');
  else command.option('--reason <text>', 'why, for people; kept in the policy log', reasonDefault);
  if (mayStopRollback === true)
    command.option('--including-rollback', 'also when it is rolling back: devices then stay where they are');
  if (event === 'halt') {
    command.option('--region <name>', 'only in this region; the others go on', parseLabel);
    command.option('--roll-back', 'with --region: offer its devices the former version at once');
  }
  if (event === 'approve') withOverrule(command);
  command
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: EventFlags) => {
      const { approval } = flags;
      if ((approval === undefined) === (flags.reason === undefined)) {
        throw usageFailure(
          'A resume has a --reason after a pause, or an --approval after a halt; give exactly one of the two',
        );
      }
      if (approval !== undefined) return resumeHalted(world, id, { ...flags, approval });
      const { region, rollBack, reason, author } = flags;
      const expectedRevision = event === 'resume' ? await seenRevision(world, flags) : flags.expectedRevision;
      if (region === undefined && rollBack === true) {
        throw usageFailure(
          '--roll-back goes with --region; the whole rollout goes back by `outrider rollout roll-back`',
        );
      }
      if (region !== undefined) {
        const halt = { region, isRollingBack: rollBack ?? false, reason, author, expectedRevision };
        return showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, 'regions'), halt));
      }
      const body = {
        ...{ event, reason, author, expectedRevision },
        isIncludingRollback: flags.includingRollback,
        ...overrulesOf(flags),
      };
      showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, 'events'), body));
    });
}
