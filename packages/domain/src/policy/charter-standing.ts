// SPDX-License-Identifier: Apache-2.0
import type { PublishedRelease } from '../release/release.ts';
import type { CharterStanding } from './charter.ts';
import type { GatewayCharterError } from './charter-errors.ts';
import type { Rollout } from './rollout.ts';
import { type CharterCheck, isSamePlan, verifyCharter } from './verify-charter.ts';

/**
 * Whether a gateway may serve a rollout under its charter: signed by the installed approvers, for exactly the plan in force and
 * exactly the bytes of the release's manifest. What somebody wrote into the database by hand ends here.
 */
export function standingOf(rollout: Rollout, release: PublishedRelease, check: CharterCheck): CharterStanding {
  const { charter: signed, plan } = rollout;
  if (signed === undefined) {
    const detail = `Approvers have signed nothing for ${plan.rolloutId}; submit a charter`;
    return refused('charter-missing', detail);
  }
  const verified = verifyCharter(signed, check);
  if (!verified.ok) return { kind: 'refused', error: verified.error };
  const { document } = verified.value;
  if (!isSamePlan(document.plan, plan)) {
    const detail = `The plan of ${plan.rolloutId} in force is not the one that was signed`;
    return refused('charter-plan-differs', detail);
  }
  const digest = check.digestText(release.envelope.payload);
  if (digest !== document.releaseSha256) {
    const detail = `The release ${plan.releaseId} has digest ${digest}, signed is ${document.releaseSha256}`;
    return refused('charter-for-another', detail);
  }
  return { kind: 'valid', charter: verified.value, signed };
}

function refused(code: GatewayCharterError['code'], detail: string): CharterStanding {
  return { kind: 'refused', error: { code, detail } };
}
