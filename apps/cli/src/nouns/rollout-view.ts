// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, jsonAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { ask } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';
import { rolloutExplainVerb } from './rollout-explain.ts';
import { rolloutReportsVerb } from './rollout-reports.ts';
import { standingTables } from './rollout-standing.ts';

type Flags = ConnectionFlags & OutputFlags;

/** `outrider rollout list | show | explain | reports`: where a rollout stands, and why it does not go on. */
export function rolloutViewVerbs(rollout: Command, world: World): void {
  withConnection(rollout.command('list'))
    .description('all rollouts with their state and exposure')
    .option('--json', 'print JSON')
    .action((flags: Flags) => list(world, flags));

  withConnection(rollout.command('show'))
    .description('plan, state and exposure of one rollout')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => showOne(world, id, flags));

  rolloutExplainVerb(rollout, world);
  rolloutReportsVerb(rollout, world);
}

async function list(world: World, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, PATHS.rollouts);
  showList(world, flags, {
    json: text,
    noun: 'rollout',
    rows: listAt(value, 'items'),
    columns: [
      { title: 'rollout', cell: (row) => cellAt(row, 'rollout.plan.rolloutId') },
      { title: 'release', cell: (row) => cellAt(row, 'rollout.plan.releaseId') },
      { title: 'state', cell: (row) => cellAt(row, 'rollout.state') },
      { title: 'wave', cell: (row) => waveOf(row) },
      { title: 'granted', cell: (row) => cellAt(row, 'exposure.granted') },
      { title: 'cap', cell: (row) => cellAt(row, 'exposure.cap') },
      { title: 'population', cell: (row) => populationOf(row) },
      { title: 'reason', cell: (row) => reasonOf(row) },
    ],
  });
}

/** While it runs, why it does not widen; else why somebody or the rule changed its state. */
function reasonOf(row: unknown): ReturnType<typeof cellAt> {
  const hold = cellAt(row, 'rollout.state') === 'running' ? cellAt(row, 'exposure.holdReason') : undefined;
  return hold ?? cellAt(row, 'rollout.reason');
}

async function showOne(world: World, id: string, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, pathOfOne('rollouts', id));
  show(world, flags, text, () => [
    ['rollout', cellAt(value, 'rollout.plan.rolloutId')],
    ['release', cellAt(value, 'rollout.plan.releaseId')],
    ['device type', cellAt(value, 'rollout.plan.deviceType')],
    ['audience', jsonAt(value, 'rollout.plan.audience')],
    ['state', cellAt(value, 'rollout.state')],
    ['since', timeAt(value, 'rollout.stateSince')],
    ['reason', cellAt(value, 'rollout.reason')],
    ['revision', cellAt(value, 'rollout.revision')],
    ['epoch', cellAt(value, 'rollout.epoch')],
    ['wave', waveOf(value)],
    ['granted', cellAt(value, 'exposure.granted')],
    ['cap', cellAt(value, 'exposure.cap')],
    ['ceiling', cellAt(value, 'rollout.limitDevices') ?? 'none'],
    ['profile', cellAt(value, 'rollout.plan.gates.profile')],
    ['population', populationOf(value)],
    ['pi', cellAt(value, 'exposure.pi')],
    ['holds because', cellAt(value, 'exposure.holdReason')],
  ]);
  if (flags.json === true) return;
  writeSegments(world, value);
  writeHalts(world, value);
  world.write(standingTables(value));
}

/** What people have ordered or said: regions without the release, devices that are not believed, flags. */
function writeHalts(world: World, value: unknown): void {
  const regions = listAt(value, 'rollout.haltedRegions');
  if (regions.length > 0) {
    world.write(
      `\n${table(regions, [
        { title: 'halted region', cell: (row) => cellAt(row, 'region') },
        { title: 'goes back', cell: (row) => cellAt(row, 'isRollingBack') },
      ])}`,
    );
  }
  const excluded = listAt(value, 'rollout.excludedDevices');
  if (excluded.length > 0) world.write(`\nNot believed, and in no count: ${excluded.join(' ')}\n`);
  const flags = listAt(value, 'rollout.flags');
  if (flags.length === 0) return;
  world.write(
    `\n${table(flags, [
      { title: 'flag', cell: (row) => cellAt(row, 'severity') },
      { title: 'at', cell: (row) => timeAt(row, 'at') },
      { title: 'by', cell: (row) => cellAt(row, 'by') },
      { title: 'driver of', cell: (row) => cellAt(row, 'deviceId') },
      { title: 'region', cell: (row) => cellAt(row, 'region') },
      { title: 'because', cell: (row) => cellAt(row, 'reason') },
    ])}`,
  );
}

function writeSegments(world: World, value: unknown): void {
  const segments = listAt(value, 'exposure.segments');
  if (segments.length === 0) return;
  const halted = listAt(value, 'rollout.haltedSegments');
  world.write(
    `\n${table(segments, [
      { title: 'segment', cell: (row) => cellAt(row, 'segment') },
      { title: 'granted', cell: (row) => cellAt(row, 'granted') },
      { title: 'cap', cell: (row) => cellAt(row, 'cap') },
      { title: 'population', cell: (row) => cellAt(row, 'population') },
      { title: 'halted', cell: (row) => (halted.includes(cellAt(row, 'segment')) ? 'yes' : 'no') },
    ])}`,
  );
}

function waveOf(value: unknown): string | undefined {
  const index = cellAt(value, 'exposure.waveIndex');
  const waves = listAt(value, 'rollout.plan.waves');
  if (typeof index !== 'number') return undefined;
  return `${cellAt(waves[index], 'name') ?? index} (${index + 1} of ${waves.length})`;
}

function populationOf(value: unknown): number | undefined {
  const segments = listAt(value, 'exposure.segments');
  if (segments.length === 0) return undefined;
  return segments.reduce<number>((sum, one) => sum + Number(cellAt(one, 'population') ?? 0), 0);
}
