// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { PolicyChange } from '@outrider/domain/policy/log';

/** Sits at the store and notes what happens there, and in what order: nothing that a server says is believed. */
export interface Witness {
  readonly store: ServerStore;
  /** By scope, when the pause that holds now committed, by the simulated clock; absent: it is not paused. */
  readonly pausedAtMs: ReadonlyMap<string, number>;
  /** Permits that committed, and of them those that committed while their scope was paused. */
  permits(): { readonly committed: number; readonly inPause: readonly string[] };
}

export function witnessOf(store: ServerStore, clock: MachineClock): Witness {
  const pausedAtMs = new Map<string, number>();
  const inPause: string[] = [];
  const known = new Set<string>();

  function note(change: PolicyChange): void {
    if (change.kind === 'scope-paused') pausedAtMs.set(change.scope, clock.now());
    if (change.kind === 'scope-resumed') pausedAtMs.delete(change.scope);
    if (change.kind !== 'rollout-event') return;
    if (change.event === 'pause') pausedAtMs.set(`rollout:${change.rolloutId}`, clock.now());
    if (change.event === 'resume') pausedAtMs.delete(`rollout:${change.rolloutId}`);
  }

  return {
    pausedAtMs,
    permits: () => ({ committed: known.size, inPause }),
    store: {
      ...store,
      policyLog: {
        ...store.policyLog,
        async appendEntry(entry) {
          const appended = await store.policyLog.appendEntry(entry);
          if (appended.ok) note(entry.change);
          return appended;
        },
      },
      ledger: {
        ...store.ledger,
        async commitPermits(proposals) {
          const commits = await store.ledger.commitPermits(proposals);
          for (const [index, commit] of commits.entries()) {
            // A control gets no permit, and a row that was there before is none that came into being.
            if (commit.kind !== 'committed' || commit.row.arm !== 'treated' || known.has(commit.row.permitId)) continue;
            known.add(commit.row.permitId);
            const scopes = ['global', `region:${proposals[index]?.region}`, `rollout:${commit.row.rolloutId}`];
            const paused = scopes.find((scope) => pausedAtMs.has(scope));
            if (paused !== undefined) inPause.push(`${commit.row.permitId} in ${paused}`);
          }
          return commits;
        },
      },
    },
  };
}
