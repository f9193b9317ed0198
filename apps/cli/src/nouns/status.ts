// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { cellAt, listAt, recordAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { type OutputFlags, show } from '../output.ts';
import { PATHS } from '../paths.ts';
import { ask } from '../server.ts';
import { type Field, table } from '../table.ts';
import type { World } from '../world.ts';

/** `outrider status`: the server at a glance. */
export function statusNoun(program: Command, world: World): void {
  withConnection(program.command('status'))
    .description('fleet time, policy revision, paused scopes and what devices were answered')
    .option('--json', 'print JSON')
    .action((flags: ConnectionFlags & OutputFlags) => status(world, flags));
}

async function status(world: World, flags: ConnectionFlags & OutputFlags): Promise<void> {
  const { text, value } = await ask(world, flags, PATHS.status);
  const paused = listAt(value, 'pausedScopes').map((one) => cellAt(one, 'scope'));
  const publishing = cellAt(value, 'publishing.releaseId');
  show(world, flags, text, () => [
    ['fleet time', timeAt(value, 'fleetTime')],
    ['clock', clockText(value)],
    ['revision', cellAt(value, 'revision')],
    ['offers', cellAt(value, 'isFresh') === 'yes' ? 'given' : 'none: the policy could not be read for three seconds'],
    ['paused', paused.length === 0 ? 'nothing' : paused.join(', ')],
    ...restoredField(value),
    [
      'publishing',
      publishing === undefined
        ? 'nothing'
        : `${publishing}: ${cellAt(value, 'publishing.step')}, ${cellAt(value, 'publishing.deltasDone')} of ${cellAt(value, 'publishing.deltasTotal')} deltas`,
    ],
    ['requests', cellAt(value, 'handled')],
  ]);
  if (flags.json === true) return;
  const counts = recordAt(value, 'counters').flatMap(([kind, reasons]) =>
    recordAt(reasons, '').map(([reason, count]) => ({ kind, reason, count })),
  );
  if (counts.length === 0) return;
  world.write(
    `\n${table(counts, [
      { title: 'answers', cell: (row) => row.kind },
      { title: 'reason', cell: (row) => row.reason },
      { title: 'count', cell: (row) => Number(row.count) },
    ])}`,
  );
}

/** During a hold: what is wrong, and how it goes on. */
function clockText(value: unknown): string {
  const code = cellAt(value, 'clockHold.code');
  if (code === undefined) return cellAt(value, 'isConducted') === 'yes' ? 'conducted' : 'wall';
  const jump = `${code}, the wall clock is ${Math.round(Number(cellAt(value, 'clockHold.jumpMs')) / 1_000)} s off`;
  return `${jump}: nothing widens until it settles, or \`outrider clock accept --reason <text>\``;
}

/** After a restore, until a person resumes: why all is paused, and how it goes on. */
function restoredField(value: unknown): readonly Field[] {
  const reason = cellAt(value, 'restored.reason');
  return reason === undefined ? [] : [['restored', `${reason}; go on with \`outrider resume global --reason <text>\``]];
}
