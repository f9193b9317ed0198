// SPDX-License-Identifier: Apache-2.0
import { replayDecision } from '@outrider/domain/decision/replay';
import { assert } from '@outrider/domain/kernel/assert';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Server } from '@outrider/server/compose';

/** Decisions of one read. */
const PAGE = 100;

/**
 * Whether the history of a rollout holds: its evidence counted again from the raw rows is the stored one, and each of its
 * decisions comes out again from its stored input. Throws when not: that is a bug in Outrider.
 */
export async function verifyHistory(server: Server, rolloutId: RolloutId): Promise<void> {
  const recount = await server.recounts.ofRollout(rolloutId);
  assert(recount.ok && recount.value.isEqual, `equal evidence of ${rolloutId}, got ${JSON.stringify(recount)}`);
  const view = await server.queries.showRollout(rolloutId);
  assert(view.ok, `the rollout ${rolloutId}`);
  for (let after: { readonly afterAt?: FleetInstant } = {}; ; ) {
    const page = await server.queries.listDecisions(rolloutId, { ...after, limit: PAGE });
    for (const stored of page) {
      const differences = replayDecision(view.value.rollout.plan, stored);
      assert(
        differences.length === 0,
        `the decision of ${stored.decision.at} again, got ${JSON.stringify(differences)}`,
      );
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = { afterAt: last.decision.at };
  }
}
