// SPDX-License-Identifier: Apache-2.0
import type { Arm } from '../gateway/ledger.ts';
import type { RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { MetricName } from '../policy/rollout.ts';

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
}

/** One-sample: what only an installing device can do. Treated rows only. */
export interface BaseCount {
  readonly metric: 'revert' | 'install';
  readonly segment: SegmentId;
  /** Permits granted: a pending device is a non-event, which can only lower the evidence. */
  readonly open: number;
  /** Windows with a known end: a confirmed boot, a revert or a failure was reported. */
  readonly closed: number;
  readonly events: number;
  /** Of the closed ones: confirmed boots. */
  readonly confirmed: number;
}

/** What both arms can do, per stratum of the enrolment. */
export interface CoinCount {
  readonly metric: Exclude<MetricName, 'revert' | 'install'>;
  readonly segment: SegmentId;
  /** Effective pi of the stratum; rows with 1 are not counted here. */
  readonly pi: number;
  readonly eventsTreated: number;
  readonly eventsControl: number;
}

export interface ClosedCount {
  readonly metric: Exclude<MetricName, 'revert' | 'install'>;
  readonly segment: SegmentId;
  readonly arm: Arm;
  readonly closed: number;
  readonly events: number;
}

/** What moves the counts: derived from ledger rows and the instants on them, each exactly once. */
export type EvidenceEvent =
  | { readonly kind: 'enrolled'; readonly segment: SegmentId; readonly arm: Arm }
  | { readonly kind: 'confirmed'; readonly segment: SegmentId }
  | { readonly kind: 'reverted'; readonly segment: SegmentId }
  | { readonly kind: 'install-failed'; readonly segment: SegmentId }
  | {
      readonly kind: 'coin-event';
      readonly metric: CoinCount['metric'];
      readonly segment: SegmentId;
      readonly arm: Arm;
      readonly pi: number;
    }
  | {
      readonly kind: 'window-closed';
      readonly metric: CoinCount['metric'];
      readonly segment: SegmentId;
      readonly arm: Arm;
      readonly hadEvent: boolean;
    };
