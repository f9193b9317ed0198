// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { evalLine } from '../eval-line.ts';
import { CommandFailure } from '../failure.ts';
import { parseCount, parseWhole } from '../flags.ts';
import { type OutputFlags, showList } from '../output.ts';
import { pathOfOne, withQuery } from '../paths.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';
import { decisionReplayVerb } from './decision-replay.ts';
import { shownText } from './rollout-standing.ts';

/** `outrider decision`: what the rule decided, and the rule itself for anyone to check by hand. */
export function decisionNoun(program: Command, world: World): void {
  const decision = program.command('decision').description('what the rule decided, and the rule itself');

  withConnection(decision.command('list'))
    .description('the decisions about a rollout, oldest first; with --json with all their inputs')
    .argument('<rollout>', 'its id')
    .option('--after <instant>', 'go on after this fleet instant, in milliseconds', parseWhole)
    .option('--limit <count>', 'how many', parseCount, LIMIT_DEFAULT)
    .option('--json', 'print JSON')
    .action((id: string, flags: ListFlags) => list(world, id, flags));

  decisionReplayVerb(decision, world);

  decision
    .command('eval')
    .description('answer each JSON line of standard input (kind base, coin or aa) with the figures of the rule')
    .action(() => evaluateLines(world));
}

/** A day of ten-minute steps. */
const LIMIT_DEFAULT = 144;

interface ListFlags extends ConnectionFlags, OutputFlags {
  readonly after?: number;
  readonly limit: number;
}

async function list(world: World, id: string, flags: ListFlags): Promise<void> {
  const path = withQuery(pathOfOne('rollouts', id, 'decisions'), { after: flags.after, limit: flags.limit });
  const { text, value } = await ask(world, flags, path);
  const rows = listAt(value, 'items');
  showList(world, flags, {
    json: text,
    noun: `decision about ${id}`,
    rows,
    columns: [
      { title: 'at', cell: (row) => timeAt(row, 'decision.at') },
      { title: 'verdict', cell: (row) => cellAt(row, 'decision.overall.kind') },
      { title: 'wave', cell: (row) => waveNumberOf(cellAt(row, 'decision.exposure.waveIndex')) },
      { title: 'pi', cell: (row) => rounded(cellAt(row, 'decision.exposure.pi')) },
      { title: 'cap', cell: (row) => cellAt(row, 'decision.exposure.cap') },
      { title: 'granted', cell: (row) => cellAt(row, 'decision.exposure.granted') },
      { title: 'shown', cell: (row) => shownText(listAt(row, 'decision.shown')) },
      { title: 'reason', cell: (row) => cellAt(row, 'decision.overall.reason') },
    ],
  });
  const last = cellAt(rows.at(-1), 'decision.at');
  if (rows.length === flags.limit && last !== undefined) world.log(`There may be more: --after ${last}`);
}

/** From one, as everywhere that people read. */
function waveNumberOf(index: string | number | undefined): string | number | undefined {
  return typeof index === 'number' ? index + 1 : index;
}

function rounded(share: string | number | undefined): string | number | undefined {
  return typeof share === 'number' ? share.toFixed(2) : share;
}

async function evaluateLines(world: World): Promise<void> {
  let [lines, failed] = [0, 0];
  for await (const line of world.inputLines()) {
    if (line.trim() === '') continue;
    const { text, isComputed } = evalLine(line);
    world.write(`${text}\n`);
    lines++;
    if (!isComputed) failed++;
  }
  if (lines === 0)
    throw new CommandFailure(
      'usage',
      'Standard input had no line; give one JSON object a line, for example {"kind":"aa","alpha":0.01,"strata":[]}',
    );
  if (failed > 0)
    throw new CommandFailure('usage', `${failed} of ${lines} lines could not be computed; their answers say why`);
}
