// SPDX-License-Identifier: Apache-2.0
import type { RolloutPlan } from '@outrider/domain/policy/rollout';

/** A fleet and what a release does to it. Rates are per device; times are hours since the start of the rollout. */
export interface World {
  readonly name: string;
  /** What happens in it, as a clause for people. */
  readonly text: string;
  /** Whether a halt is an error. */
  readonly isGood: boolean;
  /** Shares of the fleet; the first segment is the one that a defect may be confined to. */
  readonly segmentShares: readonly number[];
  /** How far each segment's day is shifted; absent: all in one time zone. */
  readonly zoneHours?: readonly number[];
  readonly contacts: readonly Contact[];
  readonly readiness: readonly Readiness[];
  readonly rates: BaseRates;
  /** Something that happens to both arms; begins at a time drawn between day 3 and day 5. */
  readonly outage?: Outage;
  /** Factors on the rates of treated devices: an effect that is tolerated, or that makes the release better. */
  readonly treatedFactors?: { readonly silent: number; readonly crash: number };
  readonly defect?: Defect;
  /** Share of permits that are used only within the next two days. */
  readonly lateUseShare?: number;
  /** What the operator wrote differently from the plan of the measurements. */
  readonly planChange?: Partial<Pick<RolloutPlan, 'waves' | 'onSegmentHalt'>>;
}

/** How often devices check in, and how many of them are silent in the windows of 24, 72 and 168 h by themselves. */
export interface Contact {
  readonly share: number;
  readonly meanHours: number;
  readonly silent: readonly [number, number, number];
}

/** How long a device that has downloaded takes on average until it may install. */
export interface Readiness {
  readonly share: number;
  readonly meanHours: number;
}

export interface BaseRates {
  readonly revert: number;
  readonly install: number;
  readonly crash: number;
  readonly sensor: number;
  /** Failures to install and reverts swing by this share over the day. */
  readonly swing: number;
  /** Silence, crashes and sensor faults of both arms swing by this share over the day; absent: not at all. */
  readonly faultSwing?: number;
  /** Factor on both during the first day. */
  readonly firstDayFactor: number;
}

export interface Outage {
  readonly lengthHours: number;
  readonly installFactor: number;
  readonly silentFactor: number;
}

/** What the release does to a treated device, beside the base rates. A device that it happens to is harmed. */
export interface Defect {
  /** Only in the first segment; absent: everywhere. */
  readonly isFirstSegmentOnly?: boolean;
  readonly revert?: number;
  /** Reverts come in bursts: none in most steps of ten minutes, all of them in this share of the steps. */
  readonly burstShare?: number;
  readonly silentAtOnce?: number;
  /** Heard of on the first day, never again after it. */
  readonly silentAfterDay?: number;
  /** Crashes within a day, in excess of the base rate. */
  readonly crash?: number;
}

/** The fleet of the goals: eight segments, three classes of contact, and three devices in ten that defer. */
export const FLEET: Pick<World, 'segmentShares' | 'contacts' | 'readiness'> = {
  segmentShares: [0.02, 0.04, 0.06, 0.1, 0.13, 0.15, 0.2, 0.3],
  contacts: [
    { share: 0.6, meanHours: 4, silent: [0.003, 0.0008, 0.0004] },
    { share: 0.35, meanHours: 12, silent: [0.01, 0.004, 0.0015] },
    { share: 0.05, meanHours: 48, silent: [0.05, 0.03, 0.01] },
  ],
  readiness: [
    { share: 0.7, meanHours: 8 },
    { share: 0.2, meanHours: 24 },
    { share: 0.07, meanHours: 96 },
    { share: 0.03, meanHours: 240 },
  ],
};

export const RATES: BaseRates = {
  revert: 0.00015,
  install: 0.003,
  crash: 0.03,
  sensor: 0.003,
  swing: 0.5,
  firstDayFactor: 1,
};

/** The share of the day by which check-ins swing in every world. */
export const CONTACT_SWING = 0.6;
