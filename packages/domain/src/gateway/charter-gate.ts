// SPDX-License-Identifier: Apache-2.0
import { type FleetInstant, instantText } from '../kernel/time.ts';
import type { CharterStanding, VerifiedCharter } from '../policy/charter.ts';
import type { GatewayCharterError } from '../policy/charter-errors.ts';
import { type CharterSubject, reachOf } from '../policy/charter-place.ts';
import type { CharterPlace } from './permit.ts';

/**
 * Why the gateway may not serve this device under the charter; undefined: it may, or no approvers are installed. The wave is
 * the first that reaches the device: the device comes to the same one by itself.
 */
export function charterFault(
  standing: CharterStanding | undefined,
  subject: CharterSubject,
  now: FleetInstant,
): GatewayCharterError | undefined {
  if (standing === undefined) return undefined;
  if (standing.kind === 'refused') return standing.error;
  const { document, isSigned } = standing.charter;
  if (now >= document.expiresAt) {
    return { code: 'charter-expired', detail: `The charter was good until ${instantText(document.expiresAt)}` };
  }
  const index = reachOf(document, subject).indexOf(true);
  const wave = document.waves[index];
  if (wave === undefined) {
    return { code: 'charter-place', detail: 'No wave of the charter reaches the device' };
  }
  if (isSigned[index] !== true) {
    return { code: 'charter-wave-unsigned', detail: `Wave ${wave.name} has no signature of its own yet` };
  }
  if (now >= wave.notBefore) return undefined;
  return { code: 'charter-wave-early', detail: `Wave ${wave.name} begins at ${instantText(wave.notBefore)}` };
}

/** Treated permits that the charter allows while this wave is open; absent: no cap. */
export function charterCap(standing: CharterStanding | undefined, waveIndex: number): number {
  if (standing?.kind !== 'valid') return Number.POSITIVE_INFINITY;
  return standing.charter.document.waves[waveIndex]?.devicesMax ?? Number.POSITIVE_INFINITY;
}

/** What a permit says of the charter: its digest, and for an enrolment the wave that reaches the device. */
export function charterPlaceOf(
  { document, sha256 }: VerifiedCharter,
  subject: CharterSubject,
  kind: 'enrolment' | 'rollback',
): CharterPlace {
  if (kind === 'rollback') return { sha256 };
  return { sha256, waveIndex: Math.max(0, reachOf(document, subject).indexOf(true)) };
}
