// SPDX-License-Identifier: Apache-2.0
import type { Artifact } from '../delta/delta.ts';
import type { DeviceId, Epoch, ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { DurationMs } from '../kernel/time.ts';
import type { SignedCharter } from '../policy/charter.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { ReportedState, RunningSoftware } from './device-record.ts';

/** "Is there something for me?" Sent by a device at the interval the server gave, signed with its key. */
export interface CheckIn {
  readonly deviceId: DeviceId;
  /** Grows with every signed message of the device, over reboots too. */
  readonly sequence: number;
  readonly running: RunningSoftware;
  readonly state: ReportedState;
  /** The rollout it is busy with, if any. */
  readonly rolloutId?: RolloutId;
}

/** What a check-in is answered: there is always one of the two. */
export type CheckInAnswer = Offer | Refusal;

/** It may download ahead. Not yet a leave to install: that is the permit. */
export interface Offer {
  readonly kind: 'offer';
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly epoch: Epoch;
  /** The signed release; for a rollback the release whose signed twin is meant. */
  readonly release: Envelope;
  /** What approvers have signed for the rollout. Absent where no approvers are installed. */
  readonly charter?: SignedCharter;
  /** True: install the release's rollback twin. */
  readonly isRollback: boolean;
  /** One for each component of the bundle, in its order. */
  readonly artifacts: readonly { readonly component: string; readonly artifact: Artifact }[];
  readonly pollAfterMs: DurationMs;
  /** The director's targets for this device, as signed metadata; absent before the installation has repositories. */
  readonly director?: string;
}

/** Nothing for this device now, and why: an answer, counted and shown, never an error. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: RefusalCode;
  /** The rollout that came closest to an offer, if any. */
  readonly rolloutId?: RolloutId;
  readonly pollAfterMs: DurationMs;
}

/** Why there is no offer; the sentences stand in `REFUSALS`. Codes never change. */
export type RefusalCode =
  | 'no-rollout'
  | 'already-running'
  | 'hardware-mismatch'
  | 'not-in-audience'
  | 'below-floor'
  | 'dependency-missing'
  | 'counter-too-low'
  | 'release-withdrawn'
  | 'wave-not-open'
  | 'outside-charter'
  | 'segment-halted'
  | 'rollout-not-running'
  | 'way-back-barred'
  | 'scope-paused'
  | 'excluded'
  | 'offers-stale';
