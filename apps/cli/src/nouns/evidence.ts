// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type Answer, cellAt, jsonAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import { parseLabel, parseWhole, repeated } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne, withQuery } from '../paths.ts';
import { ask, tell } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';

/** `outrider evidence`: what was counted about a rollout, and whether the raw rows say the same. */
export function evidenceNoun(program: Command, world: World): void {
  const evidence = program.command('evidence').description('what was counted about a rollout');

  withConnection(evidence.command('show'))
    .description('the counts per metric, segment and arm')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => showEvidence(world, id, flags));

  withConnection(evidence.command('who'))
    .description('the devices of which events are counted, their keys, and what they have in common')
    .argument('<rollout>', 'its id')
    .option('--metric <name>', 'only events of this metric, for example revert')
    .option('--json', 'print JSON')
    .action((id: string, flags: WhoFlags) => showReporters(world, id, flags));

  beliefVerb(evidence, world, {
    verb: 'exclude',
    description: 'take devices whose reports are not believed out of the counts of a halted rollout; it stays halted',
  });
  beliefVerb(evidence, world, {
    verb: 'include',
    description: 'let reports of devices that were excluded count again',
  });

  withConnection(evidence.command('recount'))
    .description('count again from the raw ledger and the raw reports, and compare; exit code 1 when they differ')
    .argument('<rollout>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => recount(world, id, flags));
}

interface BeliefFlags extends ConnectionFlags, OutputFlags {
  readonly device: readonly string[];
  readonly because: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}

/** `exclude` and `include`: of halted rollouts alone, and neither lets one go on. */
function beliefVerb(
  evidence: Command,
  world: World,
  { verb, description }: { readonly verb: string; readonly description: string },
): void {
  withConnection(evidence.command(verb))
    .description(description)
    .argument('<rollout>', 'its id')
    .requiredOption('--device <id>', 'a device, or several with commas between; repeat it', repeated)
    .requiredOption('--because <text>', 'why, for people; kept in the policy log')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: BeliefFlags) => {
      const deviceIds = flags.device.flatMap((one) => one.split(',')).filter((one) => one !== '');
      const { because: reason, expectedRevision } = flags;
      const body = { deviceIds, reason, expectedRevision, author: flags.author };
      showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, `evidence/${verb}`), body));
    });
}

interface WhoFlags extends ConnectionFlags, OutputFlags {
  readonly metric?: string;
}

async function showReporters(world: World, id: string, flags: WhoFlags): Promise<void> {
  const path = withQuery(pathOfOne('rollouts', id, 'evidence/reporters'), { metric: flags.metric });
  const { text, value } = await ask(world, flags, path);
  show(world, flags, text, () => [
    ['counted up to', timeAt(value, 'asOf')],
    ['devices with events', cellAt(value, 'reporterCount')],
  ]);
  if (flags.json === true) return;
  const items = listAt(value, 'items');
  if (items.length === 0) return;
  const names = ['deviceId', 'arm', 'segment', 'region', 'keyId'] as const;
  world.write(
    `\n${table(items, [
      ...names.map((title) => ({ title, cell: (row: unknown) => cellAt(row, title) })),
      { title: 'events', cell: (row) => listAt(row, 'metrics').join(' ') },
      { title: 'first heard', cell: (row) => timeAt(row, 'firstEventAt') },
      { title: 'registered', cell: (row) => timeAt(row, 'registeredAt') },
      { title: 'left out', cell: (row) => cellAt(row, 'isExcluded') },
    ])}`,
  );
  const clusters = listAt(value, 'clusters');
  if (clusters.length === 0) return;
  const titles = ['by', 'value', 'reporters'] as const;
  world.write(
    `\nWhat they have in common\n${table(
      clusters,
      titles.map((title) => ({ title, cell: (row: unknown) => cellAt(row, title) })),
    )}`,
  );
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
