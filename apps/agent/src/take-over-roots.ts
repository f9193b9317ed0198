// SPDX-License-Identifier: Apache-2.0

import type { FleetInstant } from '@outrider/domain/kernel/time';
import { checkHandOver } from '@outrider/domain/trust/hand-over';
import type { TrustRoots } from '@outrider/domain/trust/role';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import { HAND_OVER_BYTES_MAX, parseHandOver } from '@outrider/protocol/trust/hand-over';
import type { AgentPorts } from './compose.ts';

/** Below `/repo/`, beside the two repositories. */
const HAND_OVER_FILE = 'hand-over.json';

/**
 * A device of before the repositories asks, whenever something is offered, whether the people whose keys it pinned have handed it
 * over to roots. Pinned durably before the offer is judged: from then on keys alone are asked no more, whatever anyone answers.
 * Undefined: nobody did, or not by enough of the pinned keys, and all stays as it was.
 */
export async function takeOverRoots(
  { anchors, network, verifier, storeAnchors }: AgentPorts,
  now: FleetInstant,
): Promise<{ readonly roots: TrustRoots | undefined; readonly sent: number }> {
  if (storeAnchors === undefined || network.fetchMetadata === undefined) return { roots: undefined, sent: 0 };
  const text = await network.fetchMetadata(HAND_OVER_FILE, HAND_OVER_BYTES_MAX);
  const none = { roots: undefined, sent: 1 };
  if (!text.ok || text.value === undefined) return none;
  const envelope = parseEnvelope(text.value);
  if (!envelope.ok) return none;
  const { releaseRole: role } = anchors;
  const checked = checkHandOver(envelope.value, { role, verifier, parse: parseHandOver, now });
  if (!checked.ok) return none;
  await storeAnchors({ ...anchors, roots: checked.value });
  return { roots: checked.value, sent: 1 };
}
