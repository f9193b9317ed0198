// SPDX-License-Identifier: Apache-2.0
import type { RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';

/**
 * How much of a rollout is open now. Decisions move it every ten minutes; it lives in its own table, not in the policy
 * log, whose revisions are people's. Caps never fall; `granted <= cap` holds in the store whatever happens around it.
 */
export interface Exposure {
  readonly rolloutId: RolloutId;
  /** Index into the plan's waves. */
  readonly waveIndex: number;
  readonly waveStartedAt: FleetInstant;
  /** Probability of the treated arm: one of PI_LEVELS; never falls. */
  readonly pi: number;
  /** Treated permits allowed over the whole rollout, rings included. */
  readonly cap: number;
  readonly granted: number;
  readonly segments: readonly SegmentExposure[];
  /** Devices that may download, both arms: the prefix of the hash order is this share of the population. */
  readonly downloadsAllowed: number;
  /** Completed: pi is 1 and the control arm is released. */
  readonly isComplete: boolean;
  /** Why nothing widens at the moment, if so. */
  readonly holdReason?: string;
}

/** The same for one segment: its size, how many permits it may have and has. */
export interface SegmentExposure {
  readonly segment: SegmentId;
  /** Eligible devices of this segment when the rollout started. */
  readonly population: number;
  readonly cap: number;
  readonly granted: number;
}

/** Eligible devices over all segments. */
export function populationOf(exposure: Exposure): number {
  return exposure.segments.reduce((sum, one) => sum + one.population, 0);
}
