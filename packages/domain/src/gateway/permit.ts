// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Epoch, PermitId, ReleaseCounter, ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';

/** "I am ready: may I install now?" Downloaded, verified, window open, consent given. */
export interface PermitRequest {
  readonly deviceId: DeviceId;
  readonly sequence: number;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly isRollback: boolean;
}

export type PermitAnswer = PermitGranted | NotYet;

/** The moment of exposure: its ledger row was durable before this left. */
export interface PermitGranted {
  readonly kind: 'permit';
  /** Signed by the server's online key; payload: `PermitDocument` as canonical JSON. */
  readonly permit: Envelope;
}

export const PERMIT_TYPE = 'application/vnd.outrider.permit+json';

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
}

/** Not now, and why; ask again after `askAfterMs`. */
export interface NotYet {
  readonly kind: 'not-yet';
  readonly code: NotYetCode;
  readonly askAfterMs: DurationMs;
}

export type NotYetCode =
  | 'cap-full'
  | 'segment-cap-full'
  | 'control-arm'
  | 'no-offer'
  | 'wave-not-open'
  | 'segment-halted'
  | 'rollout-not-running'
  | 'scope-paused'
  | 'epoch-moved'
  | 'already-enrolled'
  | 'store-away';
