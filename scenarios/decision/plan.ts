// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { defaultGates, defaultWaves, PERMIT_LIFE_MS_DEFAULT } from '@outrider/domain/policy/default-plan';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';

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
