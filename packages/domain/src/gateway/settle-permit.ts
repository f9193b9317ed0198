// SPDX-License-Identifier: Apache-2.0
import { charterPlaceOf } from './charter-gate.ts';
import type { LedgerRow } from './ledger.ts';
import type { NotYet, NotYetCode, PermitDocument } from './permit.ts';
import { askAfter } from './poll.ts';
import type { PermitCommit, PermitProposal } from './ports.ts';
import type { LiveRollout } from './snapshot.ts';

/** A permit to be signed, its row durable. */
export interface SettledPermit {
  readonly kind: 'permit';
  readonly document: PermitDocument;
}

/**
 * What the device is told once the store has spoken. The row that the store answers with decides about the arm: another
 * request of the same device may have been faster. Epoch and grant are those of this proposal, since it is this commit
 * that checked them; the device counts the life of the permit from when it asked.
 */
export function settlePermit(
  proposal: PermitProposal,
  commit: PermitCommit,
  { live, sequence }: { readonly live: LiveRollout; readonly sequence: number },
): SettledPermit | NotYet {
  const { row: proposed } = proposal;
  if (commit.kind === 'refused') return notYet(commit.code, { row: proposed, sequence, isEnrolled: false });
  const { row } = commit;
  if (row.arm === 'control') return notYet('control-arm', { row, sequence, isEnrolled: true });
  const { manifest } = live.release;
  const releaseCounter = row.kind === 'rollback' ? manifest.rollbackTwin?.releaseCounter : manifest.releaseCounter;
  if (releaseCounter === undefined) return notYet('no-offer', { row, sequence, isEnrolled: false });
  return {
    kind: 'permit',
    document: {
      schema: 1,
      permitId: row.permitId,
      deviceId: row.deviceId,
      rolloutId: row.rolloutId,
      releaseId: row.releaseId,
      releaseCounter,
      epoch: proposed.epoch,
      grantedAt: proposed.grantedAt,
      lifeMs: row.permitLifeMs,
      sequence,
      ...(live.charter?.kind === 'valid' ? { charter: charterPlaceOf(live.charter.charter, row, row.kind) } : {}),
    },
  };
}

/** The answer while the ledger cannot be reached: nothing came into being. */
export function storeAway(proposal: PermitProposal, sequence: number): NotYet {
  return notYet('store-away', { row: proposal.row, sequence, isEnrolled: false });
}

function notYet(
  code: NotYetCode,
  { row, sequence, isEnrolled }: { readonly row: LedgerRow; readonly sequence: number; readonly isEnrolled: boolean },
): NotYet {
  const situation = { deviceId: row.deviceId, sequence, now: row.grantedAt };
  return {
    kind: 'not-yet',
    code,
    askAfterMs: askAfter(code, isEnrolled ? { ...situation, enrolment: row } : situation),
  };
}
