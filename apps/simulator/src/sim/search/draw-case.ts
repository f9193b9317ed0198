// SPDX-License-Identifier: Apache-2.0
import { below, prng } from '@outrider/domain/kernel/prng';
import { drawFaults, STEPS_PER_DAY } from '../faults/draw-faults.ts';
import type { Fault } from '../faults/fault.ts';
import { drawProfile, type FaultProfile } from '../faults/profile.ts';
import type { Plant } from '../planted/plant.ts';
import type { SimCase } from '../sim-case.ts';

/** A good and a bad rollout, each of the most days: faults are drawn for all of it. */
const ROLLOUTS = 2;

/** What a case is made from when it is not drawn whole. */
export interface CaseParts extends Omit<SimCase, 'faults'> {
  readonly profile: FaultProfile;
}

/** A case whose faults are drawn from its seed by its profile. */
export function caseOf({ profile, ...parts }: CaseParts): SimCase {
  const { seed, deviceCount, gatewayCount, daysMax } = parts;
  const steps = daysMax * ROLLOUTS * STEPS_PER_DAY;
  return { ...parts, faults: drawFaults({ seed, profile, deviceCount, gatewayCount, steps }) };
}

/** Small fleets for a few days: many short runs find more than a few long ones. */
const SWARM_DEVICES = { min: 12, spread: 60 };
const SWARM_DAYS = { min: 2, spread: 5 };
/** Two or three servers: one alone has nobody to be out of step with. */
const SWARM_GATEWAYS = { min: 2, spread: 2 };

/** Of the runs: those without waves, in which the caps are contended for. */
const OPEN_SHARE = 0.5;

/** One run of a swarm: everything about it is drawn from its seed. */
export function drawCase(seed: string, plant: Plant | undefined): SimCase {
  const source = prng(`${seed}/case`);
  const draw = ({ min, spread }: { readonly min: number; readonly spread: number }) => min + below(source, spread);
  const simCase = caseOf({
    seed,
    deviceCount: draw(SWARM_DEVICES),
    daysMax: draw(SWARM_DAYS),
    gatewayCount: draw(SWARM_GATEWAYS),
    profile: drawProfile(seed),
    isOpen: source.next() < OPEN_SHARE,
    ...(plant !== undefined && { plant }),
  });
  return simCase.isOpen ? { ...simCase, faults: [firstNight(draw(NIGHT_STEPS)), ...simCase.faults] } : simCase;
}

/** Everybody waits for the first night, and then asks at once: the first cap is ten. */
function firstNight(steps: number): Fault {
  return { kind: 'rush', id: FIRST_NIGHT_ID, fromStep: 0, steps, sharePermille: 1_000 };
}

/** Beyond all that are drawn. */
const FIRST_NIGHT_ID = 1_000_000;
const NIGHT_STEPS = { min: 72, spread: 72 };
