// SPDX-License-Identifier: Apache-2.0
import { cellAt } from '../answer.ts';
import type { ConnectionFlags } from '../connection.ts';
import { PATHS } from '../paths.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';

/**
 * The revision from which a resume goes out: the one given, or the newest of now. A resume that hangs in a server, frozen or cut
 * off, and is carried out later, must not end a pause that somebody has ordered since: the server refuses it by its revision.
 */
export async function seenRevision(
  world: World,
  flags: ConnectionFlags & { readonly expectedRevision?: number },
): Promise<number> {
  if (flags.expectedRevision !== undefined) return flags.expectedRevision;
  const { value } = await ask(world, flags, PATHS.status);
  return Number(cellAt(value, 'revision'));
}
