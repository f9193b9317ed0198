// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import { type FleetInstant, instantText } from '../kernel/time.ts';
import type { Envelope } from './envelope.ts';
import type { SignatureVerifier } from './ports.ts';
import type { SigningRole, TrustRoots } from './role.ts';
import type { MetadataError } from './tuf/errors.ts';
import { verifyThreshold } from './verify-threshold.ts';

/** The type of the document, signed with it. */
export const HAND_OVER_TYPE = 'application/vnd.outrider.hand-over+json';

/** The word to devices that pinned keys alone: follow these roots from now on. Signed by those whose keys they pinned. */
export interface HandOver {
  readonly schema: 1;
  readonly roots: TrustRoots;
  /** Roots that were replaced since, because somebody stole their keys, must not be handed over for good. */
  readonly expiresAt: FleetInstant;
}

/**
 * Which roots a device that pins keys alone follows from now on: signed by the threshold of the release role that it pinned, and not
 * expired. Only offline keys can say so, and a device asks only while it has no roots: there is no way back. Codes:
 * metadata-unsigned, metadata-malformed, metadata-expired.
 */
export function checkHandOver(
  envelope: Envelope,
  pinned: {
    readonly role: SigningRole;
    readonly verifier: SignatureVerifier;
    /** Reads the payload, once it is verified (protocol/trust/hand-over). */
    readonly parse: (payload: string) => Result<HandOver, unknown>;
    readonly now: FleetInstant;
  },
): Result<TrustRoots, MetadataError> {
  if (envelope.payloadType !== HAND_OVER_TYPE) {
    return fault('metadata-malformed', `The document is of type ${envelope.payloadType}, not ${HAND_OVER_TYPE}`);
  }
  const verified = verifyThreshold(envelope, pinned.role, pinned.verifier);
  if (!verified.ok) {
    return fault('metadata-unsigned', `The pinned keys do not vouch for the hand-over: ${verified.error.code}`);
  }
  const parsed = pinned.parse(envelope.payload);
  if (!parsed.ok) return fault('metadata-malformed', 'The signed text is no hand-over that this device reads');
  const { roots, expiresAt } = parsed.value;
  if (pinned.now < expiresAt) return ok(roots);
  const detail = `The hand-over expired at ${instantText(expiresAt)}, and it is ${instantText(pinned.now)}`;
  return fault('metadata-expired', detail);
}

function fault(code: MetadataError['code'], detail: string): Result<never, MetadataError> {
  return err({ code, detail });
}
