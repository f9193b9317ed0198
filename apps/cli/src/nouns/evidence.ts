// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type Answer, cellAt, jsonAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';

/** `outrider evidence`: what was counted about a rollout, and whether the raw rows say the same. */
export function evidenceNoun(program: Command, world: World): void {
  const evidence = program.command('evidence').description('what was counted about a rollout');

  withConnection(evidence.command('show'))
    .description('the counts per metric, segment and arm')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => showEvidence(world, id, flags));

  withConnection(evidence.command('recount'))
    .description('count again from the raw ledger and the raw reports, and compare; exit code 1 when they differ')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => recount(world, id, flags));
}

type Flags = ConnectionFlags & OutputFlags;

async function showEvidence(world: World, id: string, flags: Flags): Promise<void> {
  const { value } = await ask(world, flags, pathOfOne('rollouts', id));
  const json = jsonAt(value, 'evidence');
  if (json === undefined) {
    throw new CommandFailure('refused', `Nothing has been counted about ${id} yet; it has to be started first`, {
      code: 'evidence-absent',
    });
  }
  show(world, flags, json, () => [
    ['rollout', cellAt(value, 'evidence.rolloutId')],
    ['counted up to', timeAt(value, 'evidence.asOf')],
    ['newest enrolment', timeAt(value, 'evidence.lastEnrolledAt')],
    ['install counts restarted', timeAt(value, 'evidence.installRestartedAt')],
  ]);
  if (flags.json === true) return;
  for (const [list, names] of COUNTS) {
    const rows = listAt(value, `evidence.${list}`);
    const columns = names.map((title) => ({ title, cell: (row: unknown) => cellAt(row, title) }));
    if (rows.length > 0) world.write(`\n${list}\n${table(rows, columns)}`);
  }
}

/** The lists of counts and their fields. */
const COUNTS = [
  ['enrolments', ['segment', 'pi', 'treated', 'control']],
  ['before', ['fact', 'segment', 'pi', 'eventsTreated', 'eventsControl']],
  ['base', ['metric', 'segment', 'open', 'closed', 'events', 'confirmed']],
  ['coin', ['metric', 'segment', 'pi', 'eventsTreated', 'eventsControl', 'eventsControlFirstHalf']],
  ['closed', ['metric', 'segment', 'arm', 'closed', 'events']],
] as const;

async function recount(world: World, id: string, flags: Flags): Promise<void> {
  const answer = await tell(world, flags, pathOfOne('rollouts', id, 'evidence/recount'), {});
  const { text, value } = answer;
  show(world, flags, text, () => [
    ['rollout', cellAt(value, 'rolloutId')],
    ['counted up to', timeAt(value, 'asOf')],
    ['ledger rows read', cellAt(value, 'rows')],
    ['raw reports read', cellAt(value, 'reports')],
    ['stored counts', countsText(value, 'stored')],
    ['counted again', countsText(value, 'recounted')],
    ['result', cellAt(value, 'isEqual') === 'yes' ? 'equal' : 'they differ'],
  ]);
  if (flags.json !== true) writeDifferences(world, answer);
  if (cellAt(value, 'isEqual') === 'yes') return;
  const [counts, faults] = [cellAt(value, 'differenceCount'), cellAt(value, 'faultCount')];
  throw new CommandFailure(
    'failed',
    `The stored evidence of ${id} is not what the raw rows say: ${counts} counts and ${faults} instants differ, allowed are none; stop the rollout and look at them`,
    { code: 'evidence-differs' },
  );
}

/** How much was counted on each side, so that equal nothings are seen as such. */
function countsText(value: unknown, side: string): string {
  const enrolments = listAt(value, `${side}.enrolments`);
  const [treated, control] = ['treated', 'control'].map((arm) => sumOf(enrolments, arm));
  const events = sumOf(listAt(value, `${side}.base`), 'events') + sumOf(listAt(value, `${side}.closed`), 'events');
  return `${treated} treated, ${control} control, ${events} events`;
}

function sumOf(rows: readonly unknown[], field: string): number {
  return rows.reduce<number>((sum, row) => sum + Number(cellAt(row, field) ?? 0), 0);
}

function writeDifferences(world: World, { value }: Answer): void {
  const differences = listAt(value, 'differences');
  if (differences.length > 0) {
    const columns = [
      { title: 'count', cell: (row: unknown) => cellAt(row, 'field') },
      { title: 'stored', cell: (row: unknown) => cellAt(row, 'first') },
      { title: 'counted again', cell: (row: unknown) => cellAt(row, 'second') },
    ];
    world.write(`\n${table(differences, columns)}`);
  }
  const faults = listAt(value, 'faults');
  if (faults.length === 0) return;
  const columns = [
    { title: 'instant', cell: (row: unknown) => cellAt(row, 'code') },
    { title: 'device', cell: (row: unknown) => cellAt(row, 'deviceId') },
    { title: 'ledger position', cell: (row: unknown) => cellAt(row, 'position') },
    { title: 'event', cell: (row: unknown) => cellAt(row, 'event') },
    { title: 'at', cell: (row: unknown) => timeAt(row, 'at') },
  ];
  world.write(`\n${table(faults, columns)}`);
}
