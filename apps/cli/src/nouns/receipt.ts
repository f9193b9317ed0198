// SPDX-License-Identifier: Apache-2.0
import { type Answer, cellAt, listAt, timeAt } from '../answer.ts';
import { type OutputFlags, show } from '../output.ts';
import { type Field, table } from '../table.ts';
import type { World } from '../world.ts';

/** Absent when the change was about a scope. */
const ROLLOUT_FIELDS = ['rolloutId', 'state', 'epoch'];

/** Shows what a change of policy did: its revision, and who still holds a permit when something was stopped. */
export function showReceipt(world: World, flags: OutputFlags, { text, value }: Answer): void {
  const open = listAt(value, 'openPermits');
  show(world, flags, text, () => [
    ['revision', cellAt(value, 'revision')],
    ['at', timeAt(value, 'at')],
    ...ROLLOUT_FIELDS.map((name): Field => [name, cellAt(value, `rollout.${name}`)]).filter(
      ([, cell]) => cell !== undefined,
    ),
    ['open permits', open.length],
  ]);
  if (flags.json === true || open.length === 0) return;
  world.write(
    `\nThese devices hold a permit and have not told how it ended:\n${table(open, [
      { title: 'device', cell: (row) => cellAt(row, 'deviceId') },
      { title: 'rollout', cell: (row) => cellAt(row, 'rolloutId') },
      { title: 'permit', cell: (row) => cellAt(row, 'permitId') },
      { title: 'expires', cell: (row) => timeAt(row, 'expiresAt') },
    ])}`,
  );
}
