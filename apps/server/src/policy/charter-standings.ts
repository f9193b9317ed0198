// SPDX-License-Identifier: Apache-2.0
import type { CharterStanding } from '@outrider/domain/policy/charter';
import { standingOf } from '@outrider/domain/policy/charter-standing';
import type { Rollout } from '@outrider/domain/policy/rollout';
import type { CharterCheck } from '@outrider/domain/policy/verify-charter';
import type { PublishedRelease } from '@outrider/domain/release/release';
import type { DigestText, SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { parseCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';

/** What the charters of rollouts allow, by the role of the approvers that lies beside the gateway. */
export interface CharterStandings {
  /** Who approves, as the file says now; undefined: nobody is installed, and no charter is asked for. */
  loadRole(): Promise<SigningRole | undefined>;
  standingOf(rollout: Rollout, release: PublishedRelease, role: SigningRole): CharterStanding;
  checkFor(role: SigningRole): CharterCheck;
}

/** Signatures are checked once for each charter, release and role, not at every read of the policy. */
export function charterStandings(ports: {
  readonly verifier: SignatureVerifier;
  readonly digestText: DigestText;
  readonly loadApproverRole: () => Promise<SigningRole | undefined>;
}): CharterStandings {
  const { verifier, digestText, loadApproverRole } = ports;
  const known = new WeakMap<Rollout, { readonly basis: string; readonly standing: CharterStanding }>();
  function checkFor(role: SigningRole): CharterCheck {
    return { role, verifier, digestText, parseCharter, parseOpening: parseWaveOpening };
  }
  return {
    loadRole: loadApproverRole,
    checkFor,
    standingOf(rollout, release, role) {
      const basis = `${encodeSigningRole(role)} ${release.envelope.payload}`;
      const found = known.get(rollout);
      if (found?.basis === basis) return found.standing;
      const standing = standingOf(rollout, release, checkFor(role));
      known.set(rollout, { basis, standing });
      return standing;
    },
  };
}
