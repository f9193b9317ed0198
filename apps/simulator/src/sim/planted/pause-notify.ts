// SPDX-License-Identifier: Apache-2.0
import type { Ledger, PermitProposal } from '@outrider/domain/gateway/ports';
import type { Policy } from '@outrider/domain/policy/fold';
import { memoryLedger } from '@outrider/testkit/memory-store/ledger';
import type { MemoryState } from '@outrider/testkit/memory-store/state';

/**
 * Planted: a commit believes what its server last heard of the policy. Servers do hear of a pause, only not always before
 * the next permit.
 */
export function pauseNotify(state: MemoryState): Ledger {
  return {
    ...memoryLedger(state),
    async commitPermits(proposals) {
      const commits = [];
      for (const proposal of proposals) {
        const believed = { ...state, policy: believedBy(state.policy, proposal) };
        commits.push(...(await memoryLedger(believed).commitPermits([proposal])));
      }
      return commits;
    },
  };
}

/** The policy under which the proposal was made: running at its epoch, and nothing paused. */
function believedBy(policy: Policy, { row }: PermitProposal): Policy {
  const rollout = policy.rollouts.get(row.rolloutId);
  if (rollout === undefined) return policy;
  const state = row.kind === 'enrolment' ? 'running' : 'rolling-back';
  const believed = { ...rollout, state, epoch: row.epoch } as const;
  return { ...policy, pausedScopes: [], rollouts: new Map(policy.rollouts).set(row.rolloutId, believed) };
}
