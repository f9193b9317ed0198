// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseCount, parseLabel, parseWhole } from '../flags.ts';
import { type OutputFlags, showList } from '../output.ts';
import { PATHS, withQuery } from '../paths.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';
import { auditVerifyVerb } from './audit-verify.ts';

/** `outrider audit`: who has changed what, and whether the log that says so is the one that was written. */
export function auditNoun(program: Command, world: World): void {
  const audit = program.command('audit').description('who has changed what, as a chain that anyone can verify');

  withConnection(audit.command('list'))
    .description('the changes of people, oldest first')
    .option('--since <time>', 'from this fleet time on, for example 2026-11-21 or 2026-11-21T09:00:00Z', parseTime)
    .option('--actor <name>', 'by this person or service alone', parseLabel)
    .option('--action <code>', 'of this kind alone, for example release-published', parseLabel)
    .option('--after <sequence>', 'go on after this entry', parseWhole)
    .option('--limit <count>', 'how many', parseCount, LIMIT_DEFAULT)
    .option('--json', 'print JSON')
    .action((flags: ListFlags) => list(world, flags));

  auditVerifyVerb(audit, world);
}

/** What fits on some screens. */
const LIMIT_DEFAULT = 100;

interface ListFlags extends ConnectionFlags, OutputFlags {
  readonly since?: number;
  readonly actor?: string;
  readonly action?: string;
  readonly after?: number;
  readonly limit: number;
}

async function list(world: World, flags: ListFlags): Promise<void> {
  const { since, actor, action, after, limit } = flags;
  const { text, value } = await ask(world, flags, withQuery(PATHS.audit, { since, actor, action, after, limit }));
  const rows = listAt(value, 'items');
  showList(world, flags, {
    json: text,
    noun: 'audit entry',
    rows,
    columns: [
      { title: 'entry', cell: (row) => cellAt(row, 'entry.sequence') },
      { title: 'at', cell: (row) => timeAt(row, 'entry.at') },
      { title: 'actor', cell: (row) => cellAt(row, 'entry.actor') },
      { title: 'action', cell: (row) => cellAt(row, 'entry.action') },
      { title: 'subject', cell: (row) => cellAt(row, 'entry.subject') },
      { title: 'revision', cell: (row) => cellAt(row, 'entry.revision') },
      { title: 'detail', cell: (row) => cellAt(row, 'entry.detail') },
      { title: 'reason', cell: (row) => cellAt(row, 'entry.reason') },
    ],
  });
  const last = cellAt(rows.at(-1), 'entry.sequence');
  if (rows.length === limit && last !== undefined) world.log(`There may be more: --after ${last}`);
}

/** A day or an instant of ISO 8601, in UTC where nothing else is said; gives milliseconds. */
function parseTime(value: string): number {
  const ms = ISO_TIME.test(value) ? Date.parse(value.includes('T') && !ZONED.test(value) ? `${value}Z` : value) : NaN;
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new InvalidArgumentError('allowed is a day such as 2026-11-21 or an instant such as 2026-11-21T09:00:00Z');
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;
const ZONED = /(Z|[+-]\d{2}:\d{2})$/;
