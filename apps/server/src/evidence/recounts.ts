// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type CommandError, refuse } from '../errors.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import { type EvidenceRecount, recountEvidence } from './recount.ts';

/** Recounts for people who ask. Nothing here changes anything. */
export interface Recounts {
  /** Codes: rollout-unknown, evidence-absent, rate-limited. */
  ofRollout(rolloutId: RolloutId): Promise<Result<EvidenceRecount, CommandError>>;
}

export function recounts(options: { readonly store: ServerStore; readonly holder: SnapshotHolder }): Recounts {
  const { store, holder } = options;
  let isBusy = false;

  async function recount(rolloutId: RolloutId): Promise<Result<EvidenceRecount, CommandError>> {
    await holder.refresh();
    const rollout = holder.policy().rollouts.get(rolloutId);
    if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
    const stored = await store.decisions.loadLatestEvidence(rolloutId);
    if (stored === undefined) {
      const detail = `No evidence of ${rolloutId} is stored; it is, with the first decision after its start`;
      return refuse('evidence-absent', detail, { rolloutId });
    }
    return ok(await recountEvidence(store, rollout.plan, stored));
  }

  return {
    async ofRollout(rolloutId) {
      // Each reads a whole ledger: one after the other, so that the database has time for the fleet.
      if (isBusy) return refuse('rate-limited', 'A recount is under way, the most is 1; ask again later');
      isBusy = true;
      try {
        return await recount(rolloutId);
      } finally {
        isBusy = false;
      }
    },
  };
}
