// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseCount, parseLabel } from '../flags.ts';
import { type OutputFlags, showList } from '../output.ts';
import { pathOfOne, withQuery } from '../paths.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';

interface Flags extends ConnectionFlags, OutputFlags {
  readonly device?: string;
  readonly after: number;
  readonly limit: number;
}

/** `outrider rollout reports`: what devices said about a release, in their own words. */
export function rolloutReportsVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('reports'))
    .description('what devices said about it, in their own words: why a trial failed, and the tail of its log')
    .argument('<rollout>', 'its id')
    .option('--device <id>', 'only this device, with all that it said', parseLabel)
    .option('--after <position>', 'go on after this position', parseCount, 0)
    .option('--limit <count>', 'how many to look at, 1 to 1000', parseCount, REPORTS_DEFAULT)
    .option('--json', 'print JSON: what the API said')
    .action((id: string, flags: Flags) => listReports(world, id, flags));
}

/** As many as the server gives in one page. */
const REPORTS_DEFAULT = 1_000;

async function listReports(world: World, id: string, flags: Flags): Promise<void> {
  const path = withQuery(pathOfOne('rollouts', id, 'reports'), { after: flags.after, limit: flags.limit });
  const { text, value } = await ask(world, flags, path);
  const isWanted = (row: unknown): boolean =>
    flags.device === undefined || cellAt(row, 'report.deviceId') === flags.device;
  const rows = listAt(value, 'items').filter(isWanted);
  showList(world, flags, {
    json: text,
    noun: 'report',
    rows,
    columns: [
      { title: 'position', cell: (row) => cellAt(row, 'position') },
      { title: 'received', cell: (row) => timeAt(row, 'receivedAt') },
      { title: 'device', cell: (row) => cellAt(row, 'report.deviceId') },
      { title: 'event', cell: (row) => cellAt(row, 'report.event') },
      { title: 'runs', cell: (row) => cellAt(row, 'report.running.version') },
      { title: 'said', cell: (row) => saidIn(row) },
    ],
  });
  if (flags.json === true || flags.device === undefined) return;
  for (const row of rows) {
    const detail = String(cellAt(row, 'report.detail') ?? '');
    if (detail.includes('\n')) world.write(`\nposition ${cellAt(row, 'position')}:\n${indented(detail)}\n`);
  }
}

/** The first line of what it said; the others are its log. */
function saidIn(row: unknown): string {
  const [first = ''] = String(cellAt(row, 'report.detail') ?? '').split('\n');
  return first;
}

/** A device's words, which nobody vouches for: they must not drive the terminal. */
function indented(detail: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not reach a terminal
  const safe = detail.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]+/g, ' ');
  return safe
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
