// SPDX-License-Identifier: Apache-2.0
import type { Epoch, ReleaseId, Revision, RolloutId, Sha256 } from '../kernel/ids.ts';
import { after, type FleetInstant, HOUR_MS, hours } from '../kernel/time.ts';
import type { PolicyChange, ResumeOrder } from './log.ts';

/**
 * What two groups of approvers or more sign so that a halted rollout goes on: exactly this rollout at exactly this revision,
 * by exactly this evidence. Any entry about the rollout, and any count that changes, makes it worthless; so does time.
 */
export interface ResumeApproval extends ResumeOrder {
  readonly schema: 1;
  readonly action: 'resume';
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly epoch: Epoch;
  /** Of the newest entry about the rollout. */
  readonly revision: Revision;
  /** SHA-256 of the stored evidence in its wire format. */
  readonly evidenceSha256: Sha256;
  readonly reason: string;
  /** Fleet time; at most `RESUME_LIFE_MS` after it was drawn up. */
  readonly expiresAt: FleetInstant;
}

/** The payload type of its envelope: nothing else that approvers sign can be taken for it. */
export const RESUME_TYPE = 'application/vnd.outrider.resume+json';

/** A day: two people in two time zones have time to look, and nobody keeps a signed resume in a drawer. */
export const RESUME_LIFE_MS = hours(24);

/** People, whatever the role says: one stolen key, or one person in haste, restarts nothing. */
export const RESUME_GROUPS_MIN = 2;

/** What a resume has to name: what holds for the rollout at this moment. */
export interface ResumeTerms
  extends Pick<ResumeApproval, 'rolloutId' | 'releaseId' | 'epoch' | 'revision' | 'evidenceSha256'> {
  /** Fleet time. */
  readonly now: FleetInstant;
}

/** What in a signed resume is not what holds, as a clause for people; undefined: it fits. */
export function resumeMisfitOf(approval: ResumeApproval, terms: ResumeTerms): string | undefined {
  for (const [field, noun] of NAMED) {
    if (approval[field] !== terms[field])
      return `its ${noun} is ${approval[field]}, that of the rollout is ${terms[field]}`;
  }
  if (approval.expiresAt <= terms.now) {
    return `it was good until ${minutesText(terms.now - approval.expiresAt)} ago; a resume is good for 24 hours`;
  }
  if (approval.expiresAt > after(terms.now, RESUME_LIFE_MS)) {
    return `it is good for ${minutesText(approval.expiresAt - terms.now)} more, allowed are 24 hours`;
  }
  return undefined;
}

/** Whether the change begins the tests of its rollout anew: its caps then fall to what was granted and the first step. */
export function beginsAnew(change: PolicyChange): boolean {
  return change.kind === 'rollout-event' && change.resumed?.counts === 'restart';
}

const NAMED = [
  ['rolloutId', 'rollout'],
  ['releaseId', 'release'],
  ['epoch', 'epoch'],
  ['revision', 'revision'],
  ['evidenceSha256', 'evidence'],
] as const;

function minutesText(spanMs: number): string {
  const minutes = Math.round((spanMs / HOUR_MS) * 60);
  return `${minutes} minutes`;
}
