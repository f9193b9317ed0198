// SPDX-License-Identifier: Apache-2.0
import type { Ledger, PermitCommit, PermitProposal } from '@outrider/domain/gateway/ports';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { memoryLedger } from '@outrider/testkit/memory-store/ledger';
import type { MemoryState } from '@outrider/testkit/memory-store/state';
import type { Turns } from '@outrider/testkit/turns';

/** The way from one statement to the next. */
const BETWEEN_STATEMENTS_MEAN_MS = 2;

/** Planted: `select granted, cap`, then `insert`, as two statements. Within a batch it counts well, between servers not. */
export function capOutside(state: MemoryState, turns: Turns): Ledger {
  return {
    ...memoryLedger(state),
    async commitPermits(proposals) {
      const seen = new Map(state.exposures);
      await turns.waitAbout(BETWEEN_STATEMENTS_MEAN_MS);
      const commits: PermitCommit[] = [];
      for (const proposal of proposals) commits.push(await commitOne(state, proposal, seen));
      return commits;
    },
  };
}

async function commitOne(
  state: MemoryState,
  proposal: PermitProposal,
  seen: Map<Exposure['rolloutId'], Exposure>,
): Promise<PermitCommit> {
  const { rolloutId, segment } = proposal.row;
  const real = state.exposures.get(rolloutId);
  const before = seen.get(rolloutId);
  if (real === undefined || before === undefined) return commitIn(state, proposal);
  // What was read is compared with the cap, and then counts on for the next of this batch.
  const isFull =
    before.granted >= before.cap || before.segments.some((one) => one.segment === segment && one.granted >= one.cap);
  if (isFull) return commitIn({ ...state, exposures: new Map([[rolloutId, before]]) }, proposal);
  const uncapped = new Map([[rolloutId, withoutCaps(real)]]);
  const commit = await commitIn({ ...state, exposures: uncapped }, proposal);
  const after = uncapped.get(rolloutId) ?? real;
  const added = after.granted - real.granted;
  state.exposures.set(rolloutId, withGranted(real, segment, added));
  seen.set(rolloutId, withGranted(before, segment, added));
  return commit;
}

async function commitIn(state: MemoryState, proposal: PermitProposal): Promise<PermitCommit> {
  const [commit] = await memoryLedger(state).commitPermits([proposal]);
  return commit ?? { kind: 'refused', code: 'rollout-not-running' };
}

function withoutCaps(exposure: Exposure): Exposure {
  const cap = Number.MAX_SAFE_INTEGER;
  return { ...exposure, cap, segments: exposure.segments.map((one) => ({ ...one, cap })) };
}

function withGranted(exposure: Exposure, segment: string, added: number): Exposure {
  const segments = exposure.segments.map((one) =>
    one.segment === segment ? { ...one, granted: one.granted + added } : one,
  );
  return { ...exposure, granted: exposure.granted + added, segments };
}
