// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '../evidence/evidence.ts';
import type { Exposure } from '../policy/exposure.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import { FIRST_STEP_DEVICES, segmentLimit } from './admission.ts';
import { emptyTally } from './tally.ts';

/**
 * The plan by which tests are judged that began again: the k-th restart has alpha / 2^k, for its halts and for its bounds. The
 * tests of all stretches together then halt a good release with at most alpha (1 + 1/2 + 1/4 ...) < 2 alpha, however
 * often people let it go on. Source: docs/design/decision.md, "After a halt".
 */
export function planAfterRestarts(plan: RolloutPlan, { leftOut }: Evidence): RolloutPlan {
  const restarts = leftOut?.restarts ?? 0;
  return restarts === 0 ? plan : { ...plan, gates: { ...plan.gates, alpha: plan.gates.alpha / 2 ** restarts } };
}

/**
 * The exposure with which a rollout goes on when its tests begin again: ten devices beyond those that have it, as at its start.
 * The only way in which a cap falls; nothing is granted while a rollout is halted, so it falls to what is granted then.
 */
export function restartExposure({ gates }: RolloutPlan, exposure: Exposure): Exposure {
  const segmentStep = Math.floor(segmentLimit(gates, emptyTally().revert, 1));
  const { holdReason: _, ...before } = exposure;
  return {
    ...before,
    cap: Math.min(exposure.cap, exposure.granted + FIRST_STEP_DEVICES),
    segments: exposure.segments.map((one) => ({ ...one, cap: Math.min(one.cap, one.granted + segmentStep) })),
  };
}
