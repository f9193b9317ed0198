// SPDX-License-Identifier: Apache-2.0
import type { FleetInstant } from '../kernel/time.ts';
import { digestsOf, otherSlot, type Situation, type Update, type UpdatePlan } from './state.ts';

/**
 * The update that an offer starts, or goes on with: what is staged, written or permitted for exactly this plan stays. The
 * slot is the one that does not run. When that slot seems to hold the very images, the way is the zero-byte switch.
 */
export function mergePlan(former: Update | undefined, plan: UpdatePlan, situation: Situation): Update {
  const slot = otherSlot(situation.boot.running);
  if (former !== undefined && former.slot === slot && isSamePlan(former, plan)) return { ...former, ...plan };
  return {
    ...plan,
    slot,
    way: seemsToHold(plan, situation) ? 'try-switch' : 'fetch',
    isStaged: false,
    isWritten: false,
    askAt: 0 as FleetInstant,
  };
}

function isSamePlan(a: UpdatePlan, b: UpdatePlan): boolean {
  return (
    a.rolloutId === b.rolloutId &&
    a.releaseId === b.releaseId &&
    a.isRollback === b.isRollback &&
    a.content.releaseCounter === b.content.releaseCounter &&
    digestsOf(a).join() === digestsOf(b).join()
  );
}

/** By the chooser's memory; whether it is true is found by hashing, twice: now and before it is armed. */
function seemsToHold(plan: UpdatePlan, { boot }: Situation): boolean {
  const held = boot.contents[otherSlot(boot.running)]?.components ?? [];
  const needed = plan.content.components;
  return (
    held.length === needed.length &&
    needed.every(({ name, digest }) => held.some((one) => one.name === name && one.digest === digest))
  );
}
