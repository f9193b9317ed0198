// SPDX-License-Identifier: Apache-2.0
import type { Decision } from '@outrider/domain/decision/decision';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { Revision } from '@outrider/domain/kernel/ids';
import { type FleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Rollout, RolloutEvent } from '@outrider/domain/policy/rollout';
import type { PolicyCommands } from '../policy/policy-commands.ts';
import type { Log } from '../ports.ts';
import { rollbackWatch } from './rollback-end.ts';

/** Turns verdicts into changes of the policy: the one place where the rule acts. */
export interface Verdicts {
  apply(rollout: Rollout, decision: Decision): Promise<void>;
  /** After a halt: starts the rollback if the plan says so. */
  followHalt(rollout: Rollout): Promise<void>;
  /** During a rollback: ends it when every exposed device is back. */
  followRollback(rollout: Rollout, now: FleetInstant): Promise<void>;
}

/** The author of what the rule itself does. */
export const DECISION_AUTHOR = 'decision';

/** Devices come back over hours: looking at all of them this often is enough. */
const ROLLBACK_CHECK_MS = 10 * MINUTE_MS;

export function verdicts(options: {
  readonly store: ServerStore;
  readonly policy: PolicyCommands;
  readonly log: Log;
}): Verdicts {
  const { store, policy, log } = options;
  const watch = rollbackWatch(store.ledger, store.registry);
  const checkedAt = new Map<string, FleetInstant>();
  const followedHalts = new Set<Revision>();

  async function change(rollout: Rollout, event: RolloutEvent, reason: string): Promise<void> {
    const { rolloutId } = rollout.plan;
    const changed = await policy.changeRollout({ rolloutId, event, reason, author: DECISION_AUTHOR });
    // A person was faster, and what the rule wanted is no longer possible or already so.
    if (!changed.ok) {
      const { code: problem, detail } = changed.error;
      log.warn({ stage: 'decision', code: 'verdict-not-applied', problem, rolloutId, event }, detail);
    }
  }

  async function haltSegments(rollout: Rollout, decision: Decision): Promise<void> {
    const { rolloutId } = rollout.plan;
    for (const { segment, verdict } of decision.segments) {
      if (verdict.kind !== 'halt' || rollout.haltedSegments.includes(segment)) continue;
      const request = { rolloutId, segment, reason: verdict.reason, author: DECISION_AUTHOR };
      const halted = await policy.haltSegment(request);
      if (halted.ok) continue;
      const { code: problem, detail } = halted.error;
      log.warn({ stage: 'decision', code: 'verdict-not-applied', problem, rolloutId, segment }, detail);
    }
  }

  return {
    async apply(rollout, decision) {
      await haltSegments(rollout, decision);
      const { kind, reason } = decision.overall;
      switch (kind) {
        case 'halt':
          return change(rollout, 'halt', reason);
        case 'pause':
          return rollout.state === 'paused' ? undefined : change(rollout, 'pause', reason);
        case 'complete':
          return rollout.state === 'running' ? change(rollout, 'complete', reason) : undefined;
        case 'admit':
        case 'hold':
          return undefined;
      }
    },

    async followHalt(rollout) {
      const { plan, revision, reason } = rollout;
      if (plan.onHalt !== 'roll-back' || followedHalts.has(revision)) return;
      // A rollback that a person has paused is `halted` too, and is not to be taken up again by itself.
      const [entry] = await store.policyLog.loadEntries((revision - 1) as Revision);
      const isHalt = entry?.change.kind === 'rollout-event' && entry.change.event === 'halt';
      const release = isHalt ? await store.catalogue.loadRelease(plan.releaseId) : undefined;
      if (release?.manifest.rollbackTwin !== undefined) await change(rollout, 'roll-back', reason);
      followedHalts.add(revision);
    },

    async followRollback(rollout, now) {
      const { rolloutId, releaseId } = rollout.plan;
      const last = checkedAt.get(rolloutId);
      if (last !== undefined && now < last + ROLLBACK_CHECK_MS) return;
      checkedAt.set(rolloutId, now);
      const release = await store.catalogue.loadRelease(releaseId);
      if (release === undefined) return;
      const out = await watch.countOut(rollout, release.manifest.releaseCounter, now);
      if (out > 0) return;
      await change(rollout, 'rolled-back', 'Every exposed device is back, or has been silent for seven days');
      watch.forget(rolloutId);
      checkedAt.delete(rolloutId);
    },
  };
}
