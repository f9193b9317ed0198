// SPDX-License-Identifier: Apache-2.0
import { count, restartInstallCounts } from '@outrider/domain/evidence/count';
import { outcomeWindowsMs } from '@outrider/domain/evidence/events';
import type { Evidence, LeftOut } from '@outrider/domain/evidence/evidence';
import { emptyEvidenceWithout, eventsOfCounted } from '@outrider/domain/evidence/left-out';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { Ledger } from '@outrider/domain/gateway/ports';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';

/** The evidence up to an instant, and whether anything was counted on the way there. */
export interface AdvancedEvidence {
  readonly evidence: Evidence;
  readonly hasNews: boolean;
  /** Rows of which something was counted. */
  readonly counted: readonly LedgerRow[];
}

/**
 * Counts what became known in (evidence.asOf, now]. The ledger closes the interval before it answers, so that nothing is
 * stamped into it later: counting step by step equals counting from scratch.
 */
export async function advance(
  ledger: Ledger,
  plan: RolloutPlan,
  { evidence, now }: { readonly evidence: Evidence; readonly now: FleetInstant },
): Promise<AdvancedEvidence> {
  if (now <= evidence.asOf) return { evidence, hasNews: false, counted: [] };
  const interval = { afterMs: evidence.asOf, upTo: now };
  const rows = await ledger.loadRowsTouched(plan.rolloutId, interval, outcomeWindowsMs(plan));
  const counting = { plan, leftOut: evidence.leftOut };
  const perRow = rows.map((outcome) => ({ row: outcome.row, events: eventsOfCounted(outcome, interval, counting) }));
  const events = perRow.flatMap((one) => one.events);
  const counted = perRow.filter((one) => one.events.length > 0).map((one) => one.row);
  return { evidence: count(evidence, events, now), hasNews: events.length > 0, counted };
}

/**
 * The evidence counted again from all rows of the ledger, up to its own instant, without what the policy leaves out now. Its
 * interval is closed, so nothing is stamped into it meanwhile. Reads a page at a time.
 */
export async function countAgain(
  ledger: Ledger,
  plan: RolloutPlan,
  { evidence, leftOut }: { readonly evidence: Evidence; readonly leftOut: LeftOut | undefined },
): Promise<Evidence> {
  const { asOf, installRestartedAt } = evidence;
  const restart = installRestartedAt === undefined ? {} : { installRestartedAt };
  const interval = { afterMs: -1, upTo: asOf } as const;
  let counted = emptyEvidenceWithout(plan, asOf, { ...(leftOut === undefined ? {} : { leftOut }), ...restart });
  for (let afterPosition = 0; ; ) {
    const page = await ledger.loadRows(plan.rolloutId, { afterPosition, limit: PAGE });
    const events = page.flatMap((outcome) => eventsOfCounted(outcome, interval, { plan, leftOut }));
    counted = count(counted, events, asOf);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return counted;
    afterPosition = last.position;
  }
}

/** Rows of one read: some megabytes, whatever the size of the rollout. */
const PAGE = 1_000;

/**
 * The evidence a rollout goes on with after a pause for failed installations: the counts of `install` start again at the
 * instant at which a person resumed, once. Others go on.
 */
export function afterResume(evidence: Evidence, resumedAt: FleetInstant): Evidence {
  const isDone = evidence.installRestartedAt !== undefined && evidence.installRestartedAt >= resumedAt;
  return isDone ? evidence : restartInstallCounts(evidence, resumedAt);
}
