// SPDX-License-Identifier: Apache-2.0
import { FIGURE_TOLERANCE } from '@outrider/domain/decision/compare-decisions';
import type { StoredDecision } from '@outrider/domain/decision/decision';
import { replayDecision } from '@outrider/domain/decision/replay';
import type { Difference } from '@outrider/domain/kernel/difference';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { parseDecisionPage } from '@outrider/protocol/decision/decision';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { record } from '@outrider/protocol/kernel/reader';
import { rolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import type { Command } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import type { ManagementClient } from '../management-client.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne, withQuery } from '../paths.ts';
import { connect } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider decision replay`: every stored decision of a rollout, made again on this machine from its stored input. */
export function decisionReplayVerb(decision: Command, world: World): void {
  withConnection(decision.command('replay'))
    .description('decide again, on this machine, from every stored input; exit code 1 when anything differs')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => replay(world, id, flags));
}

type Flags = ConnectionFlags & OutputFlags;

/** Decisions of one read: with a thousand segments each has some megabytes. */
const PAGE = 50;
/** Differences that are printed; all are counted. */
const DIFFERENCES_MAX = 100;

interface ReplayedDifference extends Difference {
  readonly at: FleetInstant;
}

async function replay(world: World, id: string, flags: Flags): Promise<void> {
  const client = await connect(world, flags);
  const plan = await loadPlan(client, id);
  const shown: ReplayedDifference[] = [];
  let [decisions, differing] = [0, 0];
  for await (const stored of decisionsOf(client, id)) {
    const differences = replayDecision(plan, stored);
    decisions++;
    if (differences.length > 0) differing++;
    const { at } = stored.decision;
    shown.push(...differences.slice(0, DIFFERENCES_MAX - shown.length).map((one) => ({ at, ...one })));
  }
  const summary = { rolloutId: plan.rolloutId, decisions, differing, tolerance: FIGURE_TOLERANCE, differences: shown };
  if (flags.json !== true) for (const one of shown) world.write(`${differenceText(one)}\n`);
  show(world, flags, JSON.stringify(summary), () => [
    ['rollout', plan.rolloutId],
    ['decisions replayed', decisions],
    ['that differ', differing],
    ['figures within', `${FIGURE_TOLERANCE}, relative`],
  ]);
  if (differing === 0) return;
  throw new CommandFailure(
    'failed',
    `${differing} of ${decisions} decisions about ${id} come out otherwise, allowed are none; was the server of another version, or was the database changed?`,
    { code: 'decisions-differ' },
  );
}

async function loadPlan(client: ManagementClient, id: string): Promise<RolloutPlan> {
  const text = await client.ask({ method: 'GET', path: pathOfOne('rollouts', id) });
  const view = parseText(text, { noun: 'rollout', bytesMax: VIEW_BYTES_MAX, reader: rolloutView });
  return readable(view).rollout.plan;
}

/** A plan, and the evidence and newest decision that come with it. */
const VIEW_BYTES_MAX = 256 * 1_048_576;
const rolloutView = record<{ readonly rollout: { readonly plan: RolloutPlan } }>({
  rollout: record<{ readonly plan: RolloutPlan }>({ plan: rolloutPlan }),
});

/** Oldest first, page by page; a page never parts the decisions of one instant. */
async function* decisionsOf(client: ManagementClient, id: string): AsyncGenerator<StoredDecision> {
  for (let after: number | undefined; ; ) {
    const path = withQuery(pathOfOne('rollouts', id, 'decisions'), { after, limit: PAGE });
    const { items } = readable(parseDecisionPage(await client.ask({ method: 'GET', path })));
    yield* items;
    if (items.length < PAGE) return;
    after = items.at(-1)?.decision.at;
  }
}

function readable<T>(parsed: Result<T, ParseError>): T {
  if (parsed.ok) return parsed.value;
  const detail = describeParseError(parsed.error);
  throw new CommandFailure('failed', `The server handed over something that cannot be replayed: ${detail}`, {
    code: parsed.error.code,
  });
}

function differenceText({ at, field, first, second }: ReplayedDifference): string {
  return `${new Date(at).toISOString()}  ${field}: stored ${first ?? 'nothing'}, replayed ${second ?? 'nothing'}`;
}
