// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Epoch, PermitId, ReleaseCounter, ReleaseId, RolloutId, Sha256 } from '../kernel/ids.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { CrashHistory } from './crash-history.ts';

/** "I am ready: may I install now?" Downloaded, verified, window open, consent given. */
export interface PermitRequest {
  readonly deviceId: DeviceId;
  readonly sequence: number;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly isRollback: boolean;
  /** Its crashes of the last days; absent from a device that keeps no count of them. */
  readonly crashes?: CrashHistory;
}

/** What a permit request is answered: there is always one of the two. */
export type PermitAnswer = PermitGranted | NotYet;

/** The moment of exposure: its ledger row was durable before this left. */
export interface PermitGranted {
  readonly kind: 'permit';
  /** Signed by the server's online key; payload: `PermitDocument` as canonical JSON. */
  readonly permit: Envelope;
}

/** The payload type of a permit envelope. */
export const PERMIT_TYPE = 'application/vnd.outrider.permit+json';

/** What the permit key signs: this device, this release, this epoch, this long. */
export interface PermitDocument {
  readonly schema: 1;
  readonly permitId: PermitId;
  readonly deviceId: DeviceId;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly releaseCounter: ReleaseCounter;
  readonly epoch: Epoch;
  readonly grantedAt: FleetInstant;
  /** Counted by the device on its own elapsed time since it asked. */
  readonly lifeMs: DurationMs;
  /** Of the request that it answers, so that nobody can give it a second time. Absent from a server of before. */
  readonly sequence?: number;
  /** What of the charter it stands on. Absent where no approvers are installed. */
  readonly charter?: CharterPlace;
}

/** The charter by its digest, and the wave by its index; the way back has no wave. */
export interface CharterPlace {
  readonly sha256: Sha256;
  readonly waveIndex?: number;
}

/** Not now, and why; ask again after `askAfterMs`. */
export interface NotYet {
  readonly kind: 'not-yet';
  readonly code: NotYetCode;
  readonly askAfterMs: DurationMs;
}

/** Why there is no permit yet; the sentences stand in `NOT_YETS`. Codes never change. */
export type NotYetCode =
  | 'cap-full'
  | 'segment-cap-full'
  | 'control-arm'
  | 'no-offer'
  | 'wave-not-open'
  | 'segment-halted'
  | 'rollout-not-running'
  | 'scope-paused'
  | 'outside-charter'
  | 'excluded'
  | 'frozen'
  | 'epoch-moved'
  | 'already-enrolled'
  | 'store-away';
