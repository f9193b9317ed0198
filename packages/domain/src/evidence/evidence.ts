// SPDX-License-Identifier: Apache-2.0
import type { Arm } from '../gateway/ledger.ts';
import type { DeviceId, RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { MetricName } from '../policy/rollout.ts';

/** The metrics that both arms can show; the other two are of an installing device alone. */
export type CoinMetric = Exclude<MetricName, 'revert' | 'install'>;

/**
 * Counted facts about one rollout: small, immutable, the same whether counted step by step or from the raw rows.
 * Counts are integers; the fold order does not matter.
 */
export interface Evidence {
  readonly rolloutId: RolloutId;
  /** Windows that close up to and including this instant are counted. */
  readonly asOf: FleetInstant;
  readonly base: readonly BaseCount[];
  readonly coin: readonly CoinCount[];
  /** For the bounds of admission: closed windows by arm. */
  readonly closed: readonly ClosedCount[];
  /** Enrolments by arm: the sample ratio that the A/A monitor watches. */
  readonly enrolments: readonly EnrolmentCount[];
  /** What enrolled devices had shown before the coin was tossed; absent from evidence that was counted before it was. */
  readonly before?: readonly BeforeCount[];
  /** The newest enrolment in either arm: tells whether a wave has begun. */
  readonly lastEnrolledAt?: FleetInstant;
  /** Ends of installations by slot of ten minutes, the newest only: what the breaker looks at. */
  readonly recent: readonly RecentEnds[];
  /** Installations permitted up to here no longer count for `install`: a person signed a restart after a pause. */
  readonly installRestartedAt?: FleetInstant;
  /** What people have taken out of the counts, and how many permits that was. Absent: nothing. */
  readonly leftOut?: LeftOut;
}

/**
 * What a person has taken out of all counts: rows of devices that are not believed, and rows of before a restart. Whole rows,
 * so both arms alike; that their permits were given still counts for admission.
 */
export interface LeftOut {
  /** Ascending. */
  readonly deviceIds: readonly DeviceId[];
  /** Rows granted up to here belong to a test that has ended. Absent: there was no restart. */
  readonly restartedAt?: FleetInstant;
  /** How often the tests began again: each time at half the error. */
  readonly restarts: number;
  readonly enrolments: readonly EnrolmentCount[];
}

/** One-sample: what only an installing device can do. Treated rows only. */
export interface BaseCount {
  readonly metric: 'revert' | 'install';
  readonly segment: SegmentId;
  /** Permits granted: a pending device is a non-event, which can only lower the evidence. */
  readonly open: number;
  /** With a known end. `revert`: booted, so confirmed or reverted; `install`: any of these or a failure to install. */
  readonly closed: number;
  readonly events: number;
  /** Of the closed ones: confirmed boots that still stand; a later revert takes its own back. */
  readonly confirmed: number;
}

/** What both arms can do, per stratum of the enrolment. */
export interface CoinCount {
  readonly metric: CoinMetric;
  readonly segment: SegmentId;
  /** Effective pi of the stratum; rows with 1 are not counted here. */
  readonly pi: number;
  readonly eventsTreated: number;
  readonly eventsControl: number;
  /** Of the control events: those of the half that a hash of its own draws, for the A/A monitor. */
  readonly eventsControlFirstHalf: number;
}

/** Outcome windows that have closed in one arm, and how many of them held an event. */
export interface ClosedCount {
  readonly metric: CoinMetric;
  readonly segment: SegmentId;
  readonly arm: Arm;
  readonly closed: number;
  readonly events: number;
}

/** Enrolments of one segment and stratum. Effective pi 1 is kept too: rings, and everyone after completion. */
export interface EnrolmentCount {
  readonly segment: SegmentId;
  readonly pi: number;
  readonly treated: number;
  readonly control: number;
}

/** What a device may have shown 72 to 24 h before it asked for its permit. */
export type FactBefore = 'crash' | 'silence';

/** Enrolments, by arm, of devices that had shown it before. Effective pi 1 is left out: no coin was tossed. */
export interface BeforeCount {
  readonly fact: FactBefore;
  readonly segment: SegmentId;
  readonly pi: number;
  readonly eventsTreated: number;
  readonly eventsControl: number;
}

/** Ends of installations heard in the ten minutes up to and including `slotEndsAt`. */
export interface RecentEnds {
  readonly slotEndsAt: FleetInstant;
  readonly ended: number;
  readonly reverted: number;
}

/** What moves the counts: derived from ledger rows and the instants on them, each exactly once. */
export type EvidenceEvent = Enrolled | EnrolledLeftOut | BeforeEvent | InstallationEnd | CoinEvent | WindowClosed;

/** Fleets that are simulated by classes have many devices in one event; a ledger row is always one device. */
export interface Bulk {
  /** Devices that this event stands for, all alike in everything it says; absent: one. */
  readonly devices?: number;
}

/** A permit was granted or refused by the coin: all windows of the row begin. */
export interface Enrolled extends Bulk {
  readonly kind: 'enrolled';
  readonly segment: SegmentId;
  readonly arm: Arm;
  readonly pi: number;
  readonly at: FleetInstant;
}

/** A permit was granted or refused by the coin, and its row counts for no test. */
export interface EnrolledLeftOut extends Bulk {
  readonly kind: 'enrolled-left-out';
  readonly segment: SegmentId;
  readonly arm: Arm;
  readonly pi: number;
}

/** A device was enrolled that had crashed, or been silent, in the days before it asked. */
export interface BeforeEvent extends Bulk {
  readonly kind: 'before';
  readonly fact: FactBefore;
  readonly segment: SegmentId;
  readonly arm: Arm;
  /** Effective pi of the stratum, below 1. */
  readonly pi: number;
}

/** Something final was heard of an installation. A row may have more than one: confirmed first, reverted later. */
export interface InstallationEnd extends Bulk {
  readonly kind: 'confirmed' | 'reverted' | 'install-failed';
  readonly segment: SegmentId;
  readonly at: FleetInstant;
  readonly grantedAt: FleetInstant;
  /** The first end of its row: closes the installation. */
  readonly isFirstEnd: boolean;
  /** For `reverted`: the boot had been confirmed before, and is so no more. */
  readonly wasConfirmed: boolean;
}

/** A device of one arm went silent, crashed or had a faulty sensor within its window. */
export interface CoinEvent extends Bulk {
  readonly kind: 'coin-event';
  readonly metric: CoinMetric;
  readonly segment: SegmentId;
  readonly arm: Arm;
  /** Effective pi of the stratum, below 1. */
  readonly pi: number;
  /** Which half of the control arm, by a hash of its own; false for the treated. */
  readonly isFirstHalf: boolean;
}

/** An outcome window has closed, with or without its event. */
export interface WindowClosed extends Bulk {
  readonly kind: 'window-closed';
  readonly metric: CoinMetric;
  readonly segment: SegmentId;
  readonly arm: Arm;
  readonly hadEvent: boolean;
}
