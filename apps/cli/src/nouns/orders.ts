// SPDX-License-Identifier: Apache-2.0
import { describeAudience } from '@outrider/domain/policy/audience-match';
import { DAYS, describeFreezeTimes, isTimeZone } from '@outrider/domain/policy/freeze';
import { parseAudience } from '@outrider/protocol/policy/audience';
import { freeze as freezeReader } from '@outrider/protocol/policy/standing-orders';
import { type Command, InvalidArgumentError } from 'commander';
import { cellAt, jsonAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { parseInstant, parseLabel, parseWhole } from '../flags.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import type { World } from '../world.ts';
import { type AudienceFlags, audienceFor, withAudience } from './audience-flags.ts';

/** `outrider freeze` and `outrider exclusion`: what holds over all rollouts. */
export function orderNouns(program: Command, world: World): void {
  const freeze = program.command('freeze').description('times in which devices get no new permits');
  withAudience(withChange(freeze.command('set')))
    .description(
      'no new permits from one instant to another, or each week; the way back is never held up unless said so',
    )
    .argument('<name>', 'its name; one of the same name is replaced', parseLabel)
    .option('--from <instant>', 'for example 2026-12-18T16:00:00Z', parseInstant)
    .option('--until <instant>', 'the first instant at which permits are given again', parseInstant)
    .option('--weekly <times>', 'each week, for example "fri 16:00-mon 06:00"')
    .option('--time-zone <zone>', 'of --weekly, for example Europe/Berlin', parseZone)
    .option('--including-rollback', 'the way back waits too')
    .action((name: string, flags: FreezeFlags) => setFreeze(world, name, flags));
  listVerb(freeze, world, {
    path: PATHS.freezes,
    noun: 'freeze',
    columns: [
      { title: 'freeze', cell: (row) => cellAt(row, 'freezeId') },
      { title: 'times', cell: timesText },
      { title: 'audience', cell: (row) => audienceText(row, 'audience') },
      { title: 'rollbacks', cell: (row) => cellAt(row, 'isIncludingRollback') },
      { title: 'reason', cell: (row) => cellAt(row, 'reason') },
    ],
  });
  liftVerb(freeze, world, 'freezes');

  const exclusion = program.command('exclusion').description('devices that get nothing, whatever rollout');
  withAudience(withChange(exclusion.command('set')))
    .description('keep devices out of all rollouts; never out of the way back')
    .argument('<name>', 'its name; one of the same name is replaced', parseLabel)
    .option('--expires <instant>', 'when it ends by itself', parseInstant)
    .action((name: string, flags: ExclusionFlags) => setExclusion(world, name, flags));
  listVerb(exclusion, world, {
    path: PATHS.exclusions,
    noun: 'exclusion',
    columns: [
      { title: 'exclusion', cell: (row) => cellAt(row, 'exclusionId') },
      { title: 'devices', cell: (row) => audienceText(row, 'of') },
      { title: 'expires', cell: (row) => timeAt(row, 'expiresAt') },
      { title: 'reason', cell: (row) => cellAt(row, 'reason') },
    ],
  });
  liftVerb(exclusion, world, 'exclusions');
}

interface ChangeFlags extends ConnectionFlags, OutputFlags {
  readonly reason: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}

interface FreezeFlags extends ChangeFlags, AudienceFlags {
  readonly from?: number;
  readonly until?: number;
  readonly weekly?: string;
  readonly timeZone?: string;
  readonly includingRollback?: true;
}

interface ExclusionFlags extends ChangeFlags, AudienceFlags {
  readonly expires?: number;
}

function withChange(command: Command): Command {
  return withConnection(command)
    .requiredOption('--reason <text>', 'why, for people; kept in the policy log')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON');
}

interface ListOf {
  readonly path: string;
  readonly noun: string;
  readonly columns: readonly { readonly title: string; readonly cell: (row: unknown) => string | number | undefined }[];
}

function listVerb(noun: Command, world: World, list: ListOf): void {
  withConnection(noun.command('list'))
    .description('those there are, with the revision that a change can name')
    .option('--json', 'print JSON')
    .action(async (flags: ConnectionFlags & OutputFlags) => {
      const { text, value } = await ask(world, flags, list.path);
      showList(world, flags, { json: text, noun: list.noun, rows: listAt(value, 'items'), columns: list.columns });
    });
}

function liftVerb(noun: Command, world: World, collection: 'freezes' | 'exclusions'): void {
  withChange(noun.command('lift'))
    .description('end it')
    .argument('<name>', 'as `list` shows it', parseLabel)
    .action(async (name: string, flags: ChangeFlags) => {
      const { reason, author, expectedRevision } = flags;
      await change(world, flags, pathOfOne(collection, name, 'lift'), { reason, author, expectedRevision });
    });
}

async function setFreeze(world: World, freezeId: string, flags: FreezeFlags): Promise<void> {
  const { reason, author, expectedRevision, includingRollback = false } = flags;
  const audience = await audienceFor(world, flags);
  const freeze = { freezeId, audience, times: timesOf(flags), reason, isIncludingRollback: includingRollback };
  await change(world, flags, PATHS.freezes, { freeze, author, expectedRevision });
}

function timesOf({ from, until, weekly, timeZone }: FreezeFlags): object {
  if (weekly !== undefined && timeZone !== undefined && from === undefined && until === undefined) {
    const match = WEEKLY.exec(weekly);
    if (match === null) throw usageFailure(`--weekly is "${weekly}", allowed is for example "fri 16:00-mon 06:00"`);
    const [, fromDay = '', fromHour, fromMinute, untilDay = '', untilHour, untilMinute] = match;
    return {
      kind: 'weekly',
      timeZone,
      from: { day: dayOf(fromDay), minute: Number(fromHour) * 60 + Number(fromMinute) },
      until: { day: dayOf(untilDay), minute: Number(untilHour) * 60 + Number(untilMinute) },
    };
  }
  if (from !== undefined && until !== undefined && weekly === undefined) return { kind: 'once', from, until };
  throw usageFailure('A freeze has --from and --until, or --weekly and --time-zone; give exactly one of the two');
}

const DAY = DAYS.join('|');
const CLOCK = '([01]\\d|2[0-3]):([0-5]\\d)';
const WEEKLY = new RegExp(`^(${DAY}) ${CLOCK}-(${DAY}) ${CLOCK}$`);

function dayOf(name: string): number {
  const names: readonly string[] = DAYS;
  return names.indexOf(name) + 1;
}

async function setExclusion(world: World, exclusionId: string, flags: ExclusionFlags): Promise<void> {
  const { reason, author, expectedRevision, expires: expiresAt } = flags;
  const of = await audienceFor(world, flags);
  await change(world, flags, PATHS.exclusions, {
    exclusion: { exclusionId, of, reason, expiresAt },
    author,
    expectedRevision,
  });
}

async function change(world: World, flags: OutputFlags & ConnectionFlags, path: string, body: object): Promise<void> {
  const { text, value } = await tell(world, flags, path, body);
  show(world, flags, text, () => [
    ['revision', cellAt(value, 'revision')],
    ['at', timeAt(value, 'at')],
  ]);
}

/** An audience of a row in words; where this program is older than the server, as it came. */
export function audienceText(row: unknown, path: string): string | undefined {
  const json = jsonAt(row, path);
  const read = parseAudience(json ?? '');
  return read.ok ? describeAudience(read.value) : json;
}

function timesText(row: unknown): string | undefined {
  const read = freezeReader(row);
  return read.ok ? describeFreezeTimes(read.value.times) : undefined;
}

function parseZone(value: string): string {
  if (isTimeZone(value)) return value;
  throw new InvalidArgumentError('allowed is a time zone such as Europe/Berlin or UTC');
}
