// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Epoch, ReleaseId, Revision, RolloutId, SegmentId } from '../kernel/ids.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { AttributeName, Audience } from './audience.ts';
import type { SignedCharter } from './charter.ts';
import type { RecordedFlag } from './flags.ts';
import type { Overrule, SegmentPopulation } from './log.ts';

/** One attempt to bring one release to one audience: the document people write and approve. Immutable once approved. */
export interface RolloutPlan {
  readonly rolloutId: RolloutId;
  readonly deviceType: string;
  readonly releaseId: ReleaseId;
  readonly audience: Audience;
  /** Fixes order and arm of every device for good. */
  readonly salt: string;
  /** The attribute whose values are the segments; evidence and caps are kept per value. */
  readonly segmentBy: AttributeName;
  /** Named steps with a size: ceilings only, evidence widens within them. The last one is 1000 permille. */
  readonly waves: readonly Wave[];
  readonly gates: Gates;
  /** What a halt of one segment does to the rest of the rollout. */
  readonly onSegmentHalt: 'exclude-segment' | 'halt-rollout';
  /** Whether a halt starts the rollback twin by itself. */
  readonly onHalt: 'roll-back' | 'stay';
  /** Drivers of so many treated devices pause the rollout when they speak up. Absent: 2. */
  readonly driverFlagsToPause?: number;
  /** Of DDI devices, the ways to show who they are whose reports count. Absent: `DDI_REPORTS_COUNTED`. */
  readonly ddiReportsCounted?: readonly DdiReportClass[];
  /** What a device with a key must bring with its word that it installed. Absent: what it has once shown. */
  readonly claimNeeds?: ClaimNeeds;
  /** How long a permit may be used, 1 to 24 h. */
  readonly permitLifeMs: DurationMs;
}

/** `signature` of the report alone, as devices of before send it, a version manifest too, or also the quote of a TPM. */
export type ClaimNeeds = 'signature' | 'manifest' | 'quote';

/** How a DDI device showed who it is: a report is worth no more than that. */
export type DdiReportClass = 'certificate' | 'target-token' | 'gateway-token';

/** A gateway speaks for many devices: by itself its word counts for none of them. */
export const DDI_REPORTS_COUNTED: readonly DdiReportClass[] = ['certificate', 'target-token'];

/** One step of one rollout, with a size. */
export interface Wave {
  readonly name: string;
  /** Standing rings: devices with one of these tags come first, all treated, outside the prefix. May be empty. */
  readonly ringTags: readonly string[];
  /** Largest share of the audience in permille, both arms, that this wave may expose beside the rings. */
  readonly exposurePermille: number;
  /** How long the wave must stay healthy, from its first permit, before the next may start. */
  readonly bakeMs: DurationMs;
}

/** The outcomes that are watched; the number is the outcome window in hours. */
export type MetricName = 'revert' | 'install' | 'silent24' | 'silent72' | 'silent168' | 'crash24' | 'sensor24';

/** The numbers of the decision rule (design/decision.md); every one of them is in the plan and so is approved. */
export interface Gates {
  /** False halts over all metrics and segments of a rollout, 0.01 by default. */
  readonly alpha: number;
  readonly metrics: readonly MetricGate[];
  /** B: devices the operator agrees to risk; absent: clamp(0.04 % of the fleet, 50, 5000). */
  readonly budgetDevices?: number;
  readonly profile: 'careful' | 'standard' | 'fast';
}

/** How one metric is tested: `base` against a rate, `coin` between the arms. */
export type MetricGate =
  | {
      readonly kind: 'base';
      readonly metric: 'revert' | 'install';
      readonly weight: number;
      /** p0: a cap for the worst hour and segment, not a mean. */
      readonly baseRate: number;
      readonly windowMs: DurationMs;
      readonly onCross: 'halt' | 'pause';
    }
  | {
      readonly kind: 'coin';
      readonly metric: 'silent24' | 'silent72' | 'silent168' | 'crash24' | 'sensor24';
      readonly weight: number;
      /** Tolerated ratio of the arms, above 1. */
      readonly tolerance: number;
      readonly windowMs: DurationMs;
      readonly onCross: 'halt' | 'pause';
    };

/** Where a rollout stands; the moves between these are `ROLLOUT_TABLE`. */
export type RolloutState =
  | 'draft'
  | 'approved'
  | 'running'
  | 'paused'
  | 'halted'
  | 'rolling-back'
  | 'rolled-back'
  | 'completed'
  | 'cancelled';

/** What people, or the decision rule, do to a rollout. */
export type RolloutEvent =
  | 'approve'
  | 'start'
  | 'pause'
  | 'resume'
  | 'halt'
  | 'cancel'
  | 'complete'
  | 'roll-back'
  | 'rolled-back';

/** A rollout as the fold of the policy log holds it. */
export interface Rollout {
  readonly plan: RolloutPlan;
  readonly state: RolloutState;
  /** Who planned it: another person approves. */
  readonly createdBy: string;
  /** The revision of the last entry about it: what the next write must name. */
  readonly revision: Revision;
  /** Raised by pause, halt, cancel and roll back: no permit of an older epoch can come into being. */
  readonly epoch: Epoch;
  /** Why it is in this state, by whom: shown to people. */
  readonly reason: string;
  readonly stateSince: FleetInstant;
  /** Segments halted on their own, each with the reason; they get nothing more of this release. */
  readonly haltedSegments: readonly SegmentId[];
  /** A person's ceiling: no more treated devices than this, whatever the evidence allows. Absent: none. */
  readonly limitDevices?: number;
  /** What people have said against it, oldest first. Absent: nothing. */
  readonly flags?: readonly RecordedFlag[];
  /** Flags up to this revision were there when somebody resumed. Absent: nobody has. */
  readonly flagsSeenTo?: Revision;
  /** Regions halted on their own; they get nothing more of this release. Absent: none. */
  readonly haltedRegions?: readonly HaltedRegion[];
  /** Devices whose reports are not believed, ascending: left out of all counts. Absent: none. */
  readonly excludedDevices?: readonly DeviceId[];
  /** The tests began again, by signatures, so many times and last at this instant. Absent: never. */
  readonly restarted?: Restarted;
  /** What approvers have signed for it. Absent: nothing. */
  readonly charter?: SignedCharter;
  /** Findings about the plan that people overruled, with who and when. Absent: none. */
  readonly overruled?: readonly Overruled[];
}

/** A region that gets nothing more, or the way back. */
export interface HaltedRegion {
  readonly region: string;
  readonly isRollingBack: boolean;
  readonly populations: readonly SegmentPopulation[];
}

/** Tests of a rollout that began again: permits up to `at` count for none of them. */
export interface Restarted {
  readonly at: FleetInstant;
  readonly count: number;
}

/** An overrule as it was recorded. */
export interface Overruled extends Overrule {
  readonly by: string;
  readonly at: FleetInstant;
}
