// SPDX-License-Identifier: Apache-2.0
import type { SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Exposure } from '../policy/exposure.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import { budgetOf, downloadsFor, FIRST_STEP_DEVICES, piFor, segmentLimit } from './admission.ts';
import { emptyTally } from './tally.ts';
import { waveDevices } from './waves.ts';

/** What is known of the audience when its rollout starts. */
export interface StartingFleet {
  readonly plan: RolloutPlan;
  /** Eligible devices of each segment, rings included. */
  readonly populations: readonly { readonly segment: SegmentId; readonly population: number }[];
  /** Of these, devices that stand in a ring of any wave. With none, waves for rings alone are passed over. */
  readonly ringDevices: number;
  readonly now: FleetInstant;
}

/** The exposure a rollout starts with: the first wave, ten devices, the lowest level of the coin that fits. */
export function startExposure({ plan, populations, ringDevices, now }: StartingFleet): Exposure {
  const population = populations.reduce((sum, one) => sum + one.population, 0);
  const firstWithDevices = plan.waves.findIndex((wave) => wave.exposurePermille > 0 || ringDevices > 0);
  const waveIndex = Math.max(0, firstWithDevices);
  const cap = FIRST_STEP_DEVICES;
  const pi = piFor(cap, population, 0);
  const segmentCap = Math.floor(segmentLimit(plan.gates, emptyTally().revert, 1));
  return {
    rolloutId: plan.rolloutId,
    waveIndex,
    waveStartedAt: now,
    pi,
    cap,
    granted: 0,
    segments: populations.map((one) => ({ ...one, cap: segmentCap, granted: 0 })),
    downloadsAllowed: Math.min(
      waveDevices(plan.waves[waveIndex], population),
      downloadsFor(cap, budgetOf(plan.gates, population), pi),
    ),
    isComplete: false,
  };
}
