// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, recordAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { ask } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';

/** `outrider rollout explain`: why a rollout stands where it stands, and every device of its type before it. */
export function rolloutExplainVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('explain'))
    .description('why it stands where it stands: the latest decision, and the whole fleet grouped by cause')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: ConnectionFlags & OutputFlags) => explain(world, id, flags));
}

async function explain(world: World, id: string, flags: ConnectionFlags & OutputFlags): Promise<void> {
  const { value } = await ask(world, flags, pathOfOne('rollouts', id));
  const fleet = await fleetOf(world, flags, id);
  const json = JSON.stringify({
    ...Object.fromEntries(recordAt(value, '')),
    ...(fleet === undefined ? {} : { fleet }),
  });
  show(world, flags, json, () => [
    ['rollout', cellAt(value, 'rollout.plan.rolloutId')],
    ['state', cellAt(value, 'rollout.state')],
    ['because', cellAt(value, 'rollout.reason')],
    ['verdict', cellAt(value, 'decision.overall.kind')],
    ['reason', cellAt(value, 'decision.overall.reason')],
    ['decided at', timeAt(value, 'decision.at')],
  ]);
  if (flags.json === true) return;
  showDecision(world, value);
  showFleet(world, fleet);
}

/** A rollout that has not started, or was cancelled, has nobody before it. */
async function fleetOf(world: World, flags: ConnectionFlags, id: string): Promise<unknown> {
  try {
    return (await ask(world, flags, pathOfOne('rollouts', id, 'explain'))).value;
  } catch (cause) {
    if (cause instanceof CommandFailure && cause.code === 'rollout-not-live') return undefined;
    throw cause;
  }
}

function showDecision(world: World, value: unknown): void {
  const segments = listAt(value, 'decision.segments');
  const figures = listAt(value, 'decision.figures');
  if (segments.length > 0) {
    world.write(
      `\n${table(segments, [
        { title: 'segment', cell: (row) => cellAt(row, 'segment') },
        { title: 'verdict', cell: (row) => cellAt(row, 'verdict.kind') },
        { title: 'reason', cell: (row) => cellAt(row, 'verdict.reason') },
      ])}`,
    );
  }
  if (figures.length > 0) {
    world.write(
      `\n${table(figures, [
        { title: 'metric', cell: (row) => cellAt(row, 'metric') },
        { title: 'segment', cell: (row) => cellAt(row, 'segment') ?? 'all' },
        { title: 'ln E', cell: (row) => rounded(cellAt(row, 'lnE')) },
        { title: 'halts at', cell: (row) => rounded(cellAt(row, 'threshold')) },
        { title: 'harm at most', cell: (row) => rounded(cellAt(row, 'harmUpper')) },
      ])}`,
    );
  }
}

function showFleet(world: World, fleet: unknown): void {
  const groups = listAt(fleet, 'groups');
  if (groups.length === 0) return;
  world.write(
    `\n${table(groups, [
      { title: 'devices', cell: (row) => cellAt(row, 'devices') },
      { title: 'cause', cell: (row) => cellAt(row, 'cause') },
      { title: 'what it means', cell: (row) => cellAt(row, 'sentence') },
      { title: 'they said', cell: (row) => cellAt(row, 'reason') ?? '' },
      { title: 'for example', cell: (row) => listAt(row, 'samples').slice(0, SAMPLES_SHOWN).join(' ') },
    ])}`,
  );
  world.write(`\n${cellAt(fleet, 'devices')} devices of the type, at ${timeAt(fleet, 'at')}\n`);
}

/** Fits beside the sentence; --json has all that the server gave. */
const SAMPLES_SHOWN = 2;

/** Four significant digits are enough for a person; --json has them all. */
function rounded(value: string | number | undefined): string | number | undefined {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
