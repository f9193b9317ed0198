// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Epoch, PermitId, ReleaseId, RolloutId, SegmentId } from '../kernel/ids.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';

/**
 * One enrolment: the device asked "may I install now", the cap was open, the coin was tossed. Append-only. A treated row
 * is an exposure; a control row started the same windows and got "not yet".
 */
export interface LedgerRow {
  readonly rolloutId: RolloutId;
  readonly deviceId: DeviceId;
  /** 1 for the first, 2 after a control was re-enrolled under a higher pi, and so on. 0 for the rollback twin. */
  readonly enrolment: number;
  readonly kind: 'enrolment' | 'rollback';
  readonly releaseId: ReleaseId;
  readonly segment: SegmentId;
  readonly arm: Arm;
  /** The stratum: pi of the enrolment before (0: none) and of this one; `piEffective` follows from them. */
  readonly piBefore: number;
  readonly pi: number;
  /** 1 when pi is 1 or the device stands in a ring: such a row says nothing about the coin. */
  readonly piEffective: number;
  /** Rings are all treated, ahead of the prefix. */
  readonly isRing: boolean;
  /** One in ten by a second hash: holds the 168 h window. */
  readonly isPanel: boolean;
  /** What happened 72 to 24 h before it asked, so before the coin: the arms must not differ in it. Absent: not known. */
  readonly hadCrashBefore?: boolean;
  readonly wasSilentBefore?: boolean;
  readonly permitId: PermitId;
  readonly epoch: Epoch;
  readonly grantedAt: FleetInstant;
  readonly permitLifeMs: DurationMs;
}

/** `treated` was permitted, `control` was told to wait; drawn by one fixed uniform for each device. */
export type Arm = 'treated' | 'control';

/** Enrolments of one rollout in one segment and hour of the day, and what became of them. */
export interface HourCount {
  readonly segment: SegmentId;
  /** 0 to 23, of fleet time (UTC), at the grant. */
  readonly hourOfDay: number;
  /** Both arms. */
  readonly enrolled: number;
  readonly treated: number;
  /** Of the treated. */
  readonly reverted: number;
  readonly installFailed: number;
  /** Of both arms, within 24 h of the grant. */
  readonly crashed: number;
  readonly sensorFaulty: number;
}

/** A row of the ledger with what has been heard since; the windows are computed from these instants. */
export interface LedgerOutcome {
  /** Position in the ledger, growing; assigned by the store at commit. */
  readonly position: number;
  readonly row: LedgerRow;
  /** First contact later than one hour after the grant: decides the silence of the first 24 h. */
  readonly firstContactAt?: FleetInstant;
  /** First contact later than 24 h after the grant: decides the silence up to 72 h. */
  readonly secondDayContactAt?: FleetInstant;
  /** First contact later than 72 h after the grant: decides the silence up to 168 h. */
  readonly fourthDayContactAt?: FleetInstant;
  readonly verifiedAt?: FleetInstant;
  readonly revertedAt?: FleetInstant;
  readonly installFailedAt?: FleetInstant;
  readonly crashedAt?: FleetInstant;
  readonly sensorFaultAt?: FleetInstant;
}
