// SPDX-License-Identifier: Apache-2.0
import { type PermitGateKind, permitGateOf } from '@outrider/domain/gateway/permit-gate';
import { present } from '@outrider/domain/kernel/assert';
import type { Revision } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { policyNote } from '@outrider/domain/policy/audit-note';
import { emptyPolicy, foldEntries, type Policy } from '@outrider/domain/policy/fold';
import type { PausedScope, PolicyEntry } from '@outrider/domain/policy/log';
import type { PolicyLog, StaleRevision } from '@outrider/domain/policy/ports';
import { restoreEntry } from '@outrider/domain/policy/restore';
import { beginsAnew } from '@outrider/domain/policy/resume-approval';
import { encodePolicyEntry, parsePolicyEntry } from '@outrider/protocol/policy/policy-change';
import { appendPolicyAudit } from './audit-chain.ts';
import { narrowExposure, widenExposure } from './exposures.ts';
import type { Database } from './pool.ts';
import { documentsOf, numberOf, wellFormed } from './row.ts';

/**
 * The log, and in the same transaction the gates made from its fold. The fold is the domain's own, kept here and brought up
 * to date under the lock of the head, so that gates and snapshots cannot differ about what an entry means.
 */
export function postgresPolicyLog(database: Database): PolicyLog {
  let folded: Policy = emptyPolicy();

  async function append(query: Database['query'], wanted: Append): Promise<Result<Appended, StaleRevision>> {
    const [head] = await query('select revision from policy_head for update');
    // The constructor of the newest revision: the head counts the entries.
    const actual = numberOf(present(head, 'the head of the policy log'), 'revision') as Revision;
    if (wanted.expected !== actual) return err({ code: 'revision-stale', expected: wanted.expected, actual });
    const { expected: _, exposure, request, ...content } = wanted;
    const text = encodePolicyEntry({ revision: (actual + 1) as Revision, ...content });
    const entry = wellFormed(parsePolicyEntry(text));
    const before = foldEntries(folded, await loadEntries(query, folded.revision));
    const after = foldEntries(before, [entry]);
    await query(APPEND, [text]);
    await query('update policy_head set revision = $1', [entry.revision]);
    const gates = changedGates(before, after);
    if (gates.length > 0) await query(MOVE_GATES, [JSON.stringify(gates)]);
    if (exposure !== undefined) await (beginsAnew(entry.change) ? narrowExposure : widenExposure)(query, exposure);
    await appendPolicyAudit(query, entry, policyNote(entry, request));
    return ok({ entry, after });
  }

  return {
    async appendEntry(wanted) {
      const appended = await database.transaction((query) => append(query, wanted));
      if (!appended.ok) return appended;
      const { entry, after } = appended.value;
      // Only what is committed is kept; of two that end at once the newer stays.
      if (after.revision > folded.revision) folded = after;
      return ok(entry);
    },
    async loadEntries(after) {
      return await loadEntries(database.query, after);
    },
  };
}

/**
 * Ends a restore inside its transaction: an entry after a gap of revisions pauses everything, and moves every gate to its
 * raised epoch. Answers with the entry.
 */
export async function appendRestore(
  query: Database['query'],
  restore: Omit<Parameters<typeof restoreEntry>[0], 'newest'>,
): Promise<PolicyEntry> {
  const before = foldEntries(emptyPolicy(), await loadEntries(query, emptyPolicy().revision));
  const text = encodePolicyEntry(restoreEntry({ newest: before.revision, ...restore }));
  const entry = wellFormed(parsePolicyEntry(text));
  await query(APPEND, [text]);
  await query('update policy_head set revision = $1', [entry.revision]);
  await query(MOVE_GATES, [JSON.stringify(changedGates(before, foldEntries(before, [entry])))]);
  await appendPolicyAudit(query, entry, {
    ...policyNote(entry),
    action: 'installation-restored',
    subject: 'installation',
  });
  return entry;
}

type Append = Parameters<PolicyLog['appendEntry']>[0];

interface Appended {
  readonly entry: PolicyEntry;
  readonly after: Policy;
}

async function loadEntries(query: Database['query'], after: Revision): Promise<readonly PolicyEntry[]> {
  const statement = 'select document from policy_entry_document where revision > $1 order by revision';
  return documentsOf(await query(statement, [after]), parsePolicyEntry);
}

/** A row of `permit_gate`. */
interface GateRow {
  readonly scope: string;
  readonly opens: PermitGateKind | 'all';
  readonly epoch: number;
  readonly haltedSegments: readonly string[];
  readonly haltedRegions: readonly string[];
  readonly rollbackRegions: readonly string[];
  readonly limitDevices?: number;
}

/** The gates that an entry moves; what the fold left alone is the same value. */
function changedGates(before: Policy, after: Policy): readonly GateRow[] {
  const rollouts = [...after.rollouts.values()].filter((one) => one !== before.rollouts.get(one.plan.rolloutId));
  const scopes = new Set([...before.pausedScopes, ...after.pausedScopes].map((one) => one.scope));
  return [
    ...rollouts.map((rollout) => ({ scope: `rollout:${rollout.plan.rolloutId}`, ...permitGateOf(rollout) })),
    ...[...scopes].flatMap((scope) => {
      const opens = scopeOpens(after.pausedScopes, scope);
      return opens === scopeOpens(before.pausedScopes, scope) ? [] : [{ scope, opens, epoch: 0, ...NO_HALTS }];
    }),
  ];
}

function scopeOpens(paused: readonly PausedScope[], scope: string): GateRow['opens'] {
  const found = paused.find((one) => one.scope === scope);
  if (found === undefined) return 'all';
  return found.isIncludingRollback ? 'none' : 'rollback';
}

const APPEND = `
insert into policy_log (revision, at, author, change)
select revision, at, author, change
from jsonb_to_record($1::jsonb) as e (revision bigint, at bigint, author text, change jsonb)`;

const NO_HALTS = { haltedSegments: [], haltedRegions: [], rollbackRegions: [] };

/** The trigger on this table waits until no commit of permits is under way. */
const MOVE_GATES = `
insert into permit_gate (scope, opens, epoch, halted_segments, halted_regions, rollback_regions, limit_devices)
select scope, opens, epoch, array(select jsonb_array_elements_text("haltedSegments")),
  array(select jsonb_array_elements_text("haltedRegions")), array(select jsonb_array_elements_text("rollbackRegions")),
  "limitDevices"
from jsonb_to_recordset($1::jsonb)
  as g (scope text, opens text, epoch bigint, "haltedSegments" jsonb, "haltedRegions" jsonb, "rollbackRegions" jsonb,
    "limitDevices" bigint)
on conflict (scope) do update
set opens = excluded.opens, epoch = excluded.epoch, halted_segments = excluded.halted_segments,
  halted_regions = excluded.halted_regions, rollback_regions = excluded.rollback_regions,
  limit_devices = excluded.limit_devices`;
