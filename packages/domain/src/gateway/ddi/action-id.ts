// SPDX-License-Identifier: Apache-2.0
import type { PermitId } from '../../kernel/ids.ts';
import { sha256Words } from '../../kernel/sha256.ts';

/** Clients keep the number in 32 bits with a sign: SWUpdate never installs a deployment whose number is larger. */
export const ACTION_ID_MAX = 2_147_483_647;

/**
 * The number of a deployment on the wire: the first 31 bits of SHA-256 over `ddi|permit|attempt`, at least 1. It is looked up
 * among the deployments of one device, of which there are some dozens: two of them with one number are less likely than a
 * wrong bit in memory.
 */
export function actionIdOf(permitId: PermitId, attempt: number): number {
  const [first = 0] = sha256Words(`ddi|${permitId}|${attempt}`);
  return Math.max(1, (first & ACTION_ID_MAX) >>> 0);
}
