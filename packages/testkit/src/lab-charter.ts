// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { DAY_MS, fleetInstant, hours } from '@outrider/domain/kernel/time';
import { type CharterDocument, THRESHOLD_TENTH, THRESHOLD_WHOLE } from '@outrider/domain/policy/charter';
import { defaultGates } from '@outrider/domain/policy/default-plan';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import type { Envelope } from '@outrider/domain/trust/envelope';

/** For the release of a lab: a wave of a tenth in which camera-7 lies, and one of everybody, both from now on. */
export function charterFor(
  release: { readonly manifest: ReleaseManifest; readonly envelope: Envelope },
  change: Partial<CharterDocument> = {},
): CharterDocument {
  const { deviceType, releaseId } = release.manifest;
  const issuedAt = fleetInstant(1_000_000_000_000);
  const wave = { ringDevices: [], notBefore: issuedAt };
  const planned = { ringTags: [], bakeMs: hours(1) };
  return {
    schema: 1,
    plan: {
      rolloutId: 'r' as RolloutId,
      deviceType,
      releaseId,
      audience: { kind: 'everyone' },
      salt: LAB_SALT,
      segmentBy: 'hardwareId',
      waves: [
        { ...planned, name: 'tenth', exposurePermille: 100 },
        { ...planned, name: 'everyone', exposurePermille: 1_000 },
      ],
      gates: defaultGates(),
      onSegmentHalt: 'exclude-segment',
      onHalt: 'roll-back',
      permitLifeMs: hours(1),
    },
    releaseSha256: digestText(release.envelope.payload),
    waves: [
      { ...wave, name: 'tenth', threshold: THRESHOLD_TENTH },
      { ...wave, name: 'everyone', threshold: THRESHOLD_WHOLE },
    ],
    reports: { halt: ['signed', 'certificate', 'target-token'], widen: ['signed', 'certificate', 'target-token'] },
    groups: 2,
    issuedAt,
    expiresAt: fleetInstant(issuedAt + 90 * DAY_MS),
    ...change,
  };
}

/** The place of camera-7 under it lies in the first tenth. */
const LAB_SALT = 'lab-salt-20';
