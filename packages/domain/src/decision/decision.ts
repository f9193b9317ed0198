// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '../evidence/evidence.ts';
import type { RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Exposure } from '../policy/exposure.ts';
import type { FlagCount } from '../policy/flags.ts';
import type { SegmentPopulation } from '../policy/log.ts';
import type { MetricName } from '../policy/rollout.ts';
import type { RuleVersion } from './rule.ts';
import type { ShownRate } from './shown-rates.ts';

/** What the rule says at one instant, with every figure that led to it. Stored with its inputs, so it can be replayed. */
export interface Decision {
  readonly rolloutId: RolloutId;
  readonly at: FleetInstant;
  readonly overall: Verdict;
  readonly segments: readonly SegmentVerdict[];
  readonly figures: readonly MetricFigure[];
  /** The exposure to store: caps raised, wave and pi moved, or unchanged with `holdReason`. */
  readonly exposure: Exposure;
  /** Once all are released: the failure rates that the rollout has shown so far. */
  readonly shown?: readonly ShownRate[];
}

/** What follows: widen, wait, stop until a person looks, stop for good, or done; always with the reason for people. */
export type Verdict =
  | { readonly kind: 'admit'; readonly reason: string }
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'halt'; readonly reason: string }
  /** All are released: pi is 1. */
  | { readonly kind: 'complete'; readonly reason: string };

/** The verdict on one segment; a pause of one pauses the rollout. */
export interface SegmentVerdict {
  readonly segment: SegmentId;
  readonly verdict: Verdict;
}

/** One metric, overall (`segment` absent) or in one segment. */
export interface MetricFigure {
  readonly metric: MetricName;
  readonly segment?: SegmentId;
  /** Natural logarithm of the e-process, and where it halts. */
  readonly lnE: number;
  readonly threshold: number;
  /**
   * Anytime upper bound on harm per device; 1 with no data. In one segment, for what both arms can do, the bound of the
   * treated arm alone: true, only wider, and a thousand segments stay cheap.
   */
  readonly harmUpper: number;
}

/** Everything `decide` is given, as stored beside the decision. */
export interface DecisionInput {
  readonly evidence: Evidence;
  readonly exposure: Exposure;
  readonly now: FleetInstant;
  /** Segments the policy has halted already: out of the overall figures and of the population. Absent: none. */
  readonly haltedSegments?: readonly SegmentId[];
  /** What people have said against it: shown, and counted by no test. Absent: nothing. */
  readonly flags?: FlagCount;
  /** Eligible devices of regions that people have halted, by segment: out of the population. Absent: none. */
  readonly haltedPopulations?: readonly SegmentPopulation[];
  /** A person's ceiling on treated devices. Absent: none. */
  readonly limitDevices?: number;
  /** Nothing may widen now (between the grid's points, or while paused): evidence can stop. Absent: it may. */
  readonly isStopOnly?: true;
  /** By which numbers it widens. Absent: 1, as all decisions were before this was stored. */
  readonly rule?: RuleVersion;
}

/** A decision as it is kept: with everything it was made from but the plan, which never changes. */
export interface StoredDecision {
  readonly input: DecisionInput;
  readonly decision: Decision;
}
