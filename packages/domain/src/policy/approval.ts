// SPDX-License-Identifier: Apache-2.0
import type { Epoch, ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { Rollout } from './rollout.ts';

/**
 * What approvers sign, k of n groups of them, for a step that the rule would not take by itself: which step, of which
 * rollout, and why. The epoch binds it to this stretch of the rollout: after a pause or a halt it is worth nothing.
 */
export interface ApprovalDocument {
  readonly schema: 1;
  /** `complete`: release all devices now, though the evidence does not allow every one yet. */
  readonly action: ApprovalAction;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly epoch: Epoch;
  readonly reason: string;
}

/** The steps that take the signatures of approvers. */
export type ApprovalAction = 'complete';

/** The payload type of an approval's envelope. */
export const APPROVAL_TYPE = 'application/vnd.outrider.approval+json';

/** What in an approval is not about this step of this rollout as it stands, as a clause for people; undefined: it fits. */
export function misfitOf(
  approval: ApprovalDocument,
  action: ApprovalAction,
  { plan, epoch }: Rollout,
): string | undefined {
  if (approval.action !== action) return `it is for ${approval.action}, needed is ${action}`;
  if (approval.rolloutId !== plan.rolloutId)
    return `it is for the rollout ${approval.rolloutId}, this is ${plan.rolloutId}`;
  if (approval.releaseId !== plan.releaseId)
    return `it is for the release ${approval.releaseId}, this is ${plan.releaseId}`;
  if (approval.epoch !== epoch) return `it was signed in epoch ${approval.epoch}, the rollout is in epoch ${epoch}`;
  return undefined;
}
