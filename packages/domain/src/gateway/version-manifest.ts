// SPDX-License-Identifier: Apache-2.0
import type { Bytes, DeviceId, Epoch, PermitId, ReleaseCounter, ReleaseId, RolloutId, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { ClaimFaultCode } from './claim-faults.ts';
import type { EnrolledTpm } from './tpm-quote.ts';

/**
 * What a device signs about what it runs, after it has booted and confirmed it: the payload of an envelope of
 * `VERSION_MANIFEST_TYPE`, as canonical JSON, signed with the key that it registered. It travels with the report `verified`.
 */
export interface VersionManifest {
  readonly schema: 1;
  readonly deviceId: DeviceId;
  /** Of the report that it travels with. It grows with each message, so one manifest stands for one claim. */
  readonly sequence: number;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  /** The permit that was used: the server gave it for this very installation, so the manifest is no older than that. */
  readonly permitId: PermitId;
  /** The policy epoch of that permit: the newest that the device had seen. */
  readonly epoch: Epoch;
  /** By the name that the boot chooser has for it. */
  readonly slot: string;
  readonly version: string;
  readonly releaseCounter: ReleaseCounter;
  /** The images of the release, as they were hashed in the slot after it booted. */
  readonly images: readonly ManifestImage[];
  /** Starts that the boot chooser has counted. */
  readonly bootCount: number;
  /** On the device's own clock: to look at, not to decide by. */
  readonly confirmedAt: FleetInstant;
}

/** One image in the slot. */
export interface ManifestImage {
  readonly name: string;
  readonly digest: Sha256;
  readonly bytes: Bytes;
}

/** The payload type of a version manifest. */
export const VERSION_MANIFEST_TYPE = 'application/vnd.outrider.version-manifest+json';

/** What the server has of the newest claim of a device that came with a version manifest, or should have. */
export interface KeptManifests {
  /** The newest that was believed. From the first one on no claim of this device is believed without. */
  readonly manifest?: KeptManifest;
  /** The newest claim that was not believed, and why. */
  readonly disbelieved?: DisbelievedClaim;
}

/** A version manifest as it came: whoever has the key of the device can check it again. */
export interface KeptManifest {
  readonly envelope: Envelope;
  /** Its TPM, from its first quote on; absent: it has shown none. */
  readonly tpm?: EnrolledTpm;
  readonly sequence: number;
  readonly receivedAt: FleetInstant;
}

/** A claim that was recorded and not counted. */
export interface DisbelievedClaim {
  readonly code: ClaimFaultCode;
  /** What was seen, where that tells more than the code. */
  readonly detail?: string;
  readonly sequence: number;
  readonly receivedAt: FleetInstant;
}
