// SPDX-License-Identifier: Apache-2.0
import { after, type FleetInstant, fleetInstant } from '../kernel/time.ts';
import type { Exposure } from '../policy/exposure.ts';
import type { RolloutPlan, Wave } from '../policy/rollout.ts';
import { FIRST_STEP_DEVICES } from './admission.ts';
import type { Tally } from './tally.ts';

/** Where a rollout stands among its waves. They are ceilings only: evidence widens within them. */
export interface WaveState {
  readonly waveIndex: number;
  readonly waveStartedAt: FleetInstant;
  readonly isLast: boolean;
  /** Why the next wave does not start, as a clause for people; absent in the last one. */
  readonly waitsFor?: string;
}

/**
 * The wave that may be open now. The next one starts when this one has begun, has been healthy for its bake time, and,
 * where a device was treated at all, a boot has been confirmed: silence opens nothing. Until a wave begins its start moves
 * along with the evidence, so the bake time runs from the first enrolment.
 */
export function waveNow(plan: RolloutPlan, exposure: Exposure, seen: WaveEvidence): WaveState {
  const wave = plan.waves[exposure.waveIndex];
  const here = { waveIndex: exposure.waveIndex, waveStartedAt: exposure.waveStartedAt };
  if (wave === undefined || exposure.waveIndex >= plan.waves.length - 1) return { ...here, isLast: true };
  if (!hasBegun(wave, exposure, seen)) {
    const waveStartedAt = fleetInstant(Math.max(seen.asOf, exposure.waveStartedAt));
    return { ...here, waveStartedAt, isLast: false, waitsFor: `no device of wave ${wave.name} has asked yet` };
  }
  if (seen.now < after(exposure.waveStartedAt, wave.bakeMs)) {
    return { ...here, isLast: false, waitsFor: `wave ${wave.name} is in its bake time` };
  }
  if (seen.tally.revert.open > 0 && seen.tally.revert.confirmed === 0) {
    return { ...here, isLast: false, waitsFor: `no boot in wave ${wave.name} is confirmed yet` };
  }
  const waveIndex = exposure.waveIndex + 1;
  return { waveIndex, waveStartedAt: seen.now, isLast: waveIndex === plan.waves.length - 1 };
}

/** What a wave is judged by; `population` counts eligible devices, rings included. */
export interface WaveEvidence {
  readonly tally: Tally;
  readonly population: number;
  readonly now: FleetInstant;
  readonly asOf: FleetInstant;
  readonly lastEnrolledAt?: FleetInstant | undefined;
}

/**
 * Devices of the hash order, both arms, that a wave may expose. Rings stand outside. A wave that is not for rings alone has
 * never fewer than the first step: less would be a wave that may hold no device, and so could never begin.
 */
export function waveDevices(wave: Wave | undefined, population: number): number {
  if (wave === undefined || wave.exposurePermille === 0) return 0;
  const share = Math.ceil((wave.exposurePermille * population) / 1000);
  return Math.min(population, Math.max(share, FIRST_STEP_DEVICES));
}

/** Begun with its first enrolment; or when half of it was enrolled in the waves before, so that few are left to ask. */
function hasBegun(wave: Wave, exposure: Exposure, seen: WaveEvidence): boolean {
  if (seen.lastEnrolledAt !== undefined && seen.lastEnrolledAt >= exposure.waveStartedAt) return true;
  const devices = waveDevices(wave, seen.population);
  const { enrolled: counted, leftOut } = seen.tally;
  const enrolled = counted.reduce((sum, one) => sum + one.eventsTreated + one.eventsControl, leftOut.enrolled);
  return devices > 0 && 2 * enrolled >= devices;
}
