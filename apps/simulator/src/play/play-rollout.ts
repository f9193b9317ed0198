// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { after, DAY_MS, durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import { defaultGates, defaultWaves, PERMIT_LIFE_MS_DEFAULT } from '@outrider/domain/policy/default-plan';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { ControlPlane, RolloutSight } from './control-plane.ts';
import type { Conductor, Participant, Stage } from './stage.ts';

/** The plan of both rollouts: everyone, by hardware revision, dogfood first, all by the defaults of the product. */
export function planOf(options: {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly deviceType: string;
  readonly salt: string;
}): RolloutPlan {
  return {
    ...options,
    audience: { kind: 'everyone' },
    segmentBy: 'hardwareId',
    waves: defaultWaves(),
    gates: defaultGates(),
    onSegmentHalt: 'halt-rollout',
    onHalt: 'roll-back',
    permitLifeMs: PERMIT_LIFE_MS_DEFAULT,
  };
}

/** Creates, approves and starts a rollout. */
export async function startRollout(controlPlane: ControlPlane, plan: RolloutPlan): Promise<void> {
  await controlPlane.createRollout(plan);
  await controlPlane.changeRollout(plan.rolloutId, 'approve', 'Both signatures of the release were checked');
  await controlPlane.changeRollout(plan.rolloutId, 'start', 'The deltas are made');
}

/** The good release is done when this share of all devices runs it: the rest are out of reach or not ready for weeks. */
const VERIFIED_SHARE = 0.992;
/** Steps between two looks at the devices: a fleet hour. Looking at each of them at each step cost a tenth of the time. */
const LOOK_EVERY_STEPS = 6;

/** Plays a rollout until nearly every device runs the version, at most `daysMax`. Answers with the end. */
export async function playUntilVerified(
  stage: Stage,
  conductor: Conductor,
  goal: { readonly rolloutId: RolloutId; readonly version: string; readonly daysMax: number },
): Promise<FleetInstant> {
  const endsAt = after(stage.clock.now(), durationMs(goal.daysMax * DAY_MS));
  const areNearlyAllOn = lookout(stage.participants, goal.version);
  for (let [now, steps] = [stage.clock.now(), 1]; now < endsAt; steps++) {
    now = await conductor.step();
    if (steps % LOOK_EVERY_STEPS !== 0 || !areNearlyAllOn()) continue;
    const { state } = await stage.controlPlane.sight(goal.rolloutId);
    if (state === 'completed') break;
  }
  return stage.clock.now();
}

/** Plays a rollout until it was halted and nobody in reach runs the version any more, at most `daysMax`. */
export async function playUntilTakenBack(
  stage: Stage,
  conductor: Conductor,
  goal: { readonly rolloutId: RolloutId; readonly version: string; readonly daysMax: number },
): Promise<RolloutSight> {
  const endsAt = after(stage.clock.now(), durationMs(goal.daysMax * DAY_MS));
  let sight = await stage.controlPlane.sight(goal.rolloutId);
  let backSince: FleetInstant | undefined;
  for (let [now, steps] = [stage.clock.now(), 1]; now < endsAt; steps++) {
    now = await conductor.step();
    if (steps % LOOK_EVERY_STEPS !== 0) continue;
    sight = await stage.controlPlane.sight(goal.rolloutId);
    if (sight.state === 'rolled-back') break;
    const isGoingBack = sight.state === 'rolling-back' || sight.state === 'halted';
    const isOut = stage.participants.some((one) => isRunningInReach(one, goal.version));
    backSince = isGoingBack && !isOut ? (backSince ?? now) : undefined;
    // The server waits a week for those who are silent; after a day of quiet we do not.
    if (backSince !== undefined && now >= after(backSince, DAY_MS)) break;
  }
  return sight;
}

function isRunningInReach(participant: Participant, version: string): boolean {
  const { activeVersion, isSilent } = participant.now();
  return activeVersion === version && !isSilent;
}

/**
 * Tells whether nearly all run it. Who runs it and is silent has not told so yet. Those that were too many last time are looked at first:
 * as long as all of them are behind, nobody else has to be.
 */
export function lookout(participants: readonly Participant[], version: string): () => boolean {
  const leftMax = participants.length * (1 - VERIFIED_SHARE);
  const isBehind = (one: Participant) => !isRunningInReach(one, version);
  let behind: readonly Participant[] = [];
  return () => {
    if (behind.length > leftMax && behind.every(isBehind)) return false;
    const found: Participant[] = [];
    for (const one of participants) {
      if (found.length > leftMax) break;
      if (isBehind(one)) found.push(one);
    }
    behind = found;
    return found.length <= leftMax;
  };
}
