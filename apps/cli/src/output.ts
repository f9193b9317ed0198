// SPDX-License-Identifier: Apache-2.0
import { type Column, card, type Field, table } from './table.ts';
import type { World } from './world.ts';

/** `--json` prints for scripts what the table shows to people. */
export interface OutputFlags {
  readonly json?: true;
}

/** Prints one thing: its JSON text, or its fields under each other. */
export function show(world: World, flags: OutputFlags, json: string, fields: () => readonly Field[]): void {
  world.write(flags.json === true ? `${json.trimEnd()}\n` : card(fields()));
}

/** Prints a list: its JSON text, or a table; an empty one says so on standard error. */
export function showList<Row>(
  world: World,
  flags: OutputFlags,
  list: {
    readonly json: string;
    readonly noun: string;
    readonly rows: readonly Row[];
    readonly columns: readonly Column<Row>[];
  },
): void {
  if (flags.json === true) {
    world.write(`${list.json.trimEnd()}\n`);
    return;
  }
  if (list.rows.length === 0) world.log(`There is no ${list.noun}`);
  else world.write(table(list.rows, list.columns));
}
