// SPDX-License-Identifier: Apache-2.0
import type { MetricFigure } from '@outrider/domain/decision/decision';
import type { Delta } from '@outrider/domain/delta/delta';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { ReleaseId, RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { RolloutEvent, RolloutPlan, RolloutState } from '@outrider/domain/policy/rollout';
import type { Image } from '@outrider/domain/release/release';
import type { SignedRelease } from '../product/release-house.ts';

/** The server as its operator uses it: over HTTP in the demonstration, by calls in the simulator. Faults are thrown. */
export interface ControlPlane {
  /** Stores what is not there yet, then publishes for good; deltas are made before it returns. */
  publish(release: Pick<SignedRelease, 'envelope' | 'targets'>, images: readonly ImageSource[]): Promise<void>;
  deltasOf(releaseId: ReleaseId): Promise<readonly Delta[]>;
  createRollout(plan: RolloutPlan): Promise<void>;
  changeRollout(rolloutId: RolloutId, event: RolloutEvent, reason: string): Promise<void>;
  /** Sets fleet time and drains. Answers how many requests of devices were answered since the server began. */
  step(now: FleetInstant): Promise<{ readonly handled: number }>;
  sight(rolloutId: RolloutId): Promise<RolloutSight>;
  /** All rows of a rollout. */
  ledger(rolloutId: RolloutId): Promise<readonly LedgerOutcome[]>;
  /** When this event happened to the rollout, if it did. */
  eventAt(rolloutId: RolloutId, event: RolloutEvent): Promise<FleetInstant | undefined>;
}

/** An image with its bytes. */
export interface ImageSource {
  readonly image: Image;
  readonly blocks: Uint8Array;
  content(): AsyncIterable<Uint8Array>;
}

/** A rollout as far as a conductor looks at it. */
export interface RolloutSight {
  readonly state: RolloutState;
  readonly reason: string;
  readonly haltedSegments: readonly SegmentId[];
  readonly exposure?: Exposure;
  readonly evidence?: Pick<Evidence, 'base' | 'closed' | 'enrolments'>;
  /** Of the newest decision. */
  readonly figures: readonly MetricFigure[];
}
