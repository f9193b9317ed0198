// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { hours } from '@outrider/domain/kernel/time';
import { defaultGates, defaultWaves, PERMIT_LIFE_MS_DEFAULT } from '@outrider/domain/policy/default-plan';
import type { RolloutPlan, Wave } from '@outrider/domain/policy/rollout';

/** The plan a rollout has when nobody says otherwise, under its own salt. */
export function planOf(salt: string): RolloutPlan {
  return {
    rolloutId: `rollout-${salt}` as RolloutId,
    deviceType: 'simulated',
    releaseId: 'release-under-test' as ReleaseId,
    audience: { kind: 'everyone' },
    salt,
    segmentBy: 'hardwareId',
    waves: defaultWaves(),
    gates: defaultGates(),
    onSegmentHalt: 'halt-rollout',
    onHalt: 'roll-back',
    permitLifeMs: PERMIT_LIFE_MS_DEFAULT,
  };
}

/** Waves are ceilings. To measure the evidence alone there is one wave for all. */
export const ONE_WAVE: readonly Wave[] = [{ name: 'everyone', ringTags: [], exposurePermille: 1000, bakeMs: hours(0) }];
