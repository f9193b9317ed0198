// SPDX-License-Identifier: Apache-2.0

import { present } from '@outrider/domain/kernel/assert';
import { policyNote } from '@outrider/domain/policy/audit-note';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import { ACTOR_UNKNOWN, publicationNote, withdrawalNote } from '@outrider/domain/release/audit-note';
import { type AuditHead, type AuditNote, type AuditRow, linkEntry } from '@outrider/domain/trust/audit';
import { parsePolicyEntry } from '@outrider/protocol/policy/policy-change';
import { parsePublishedRelease } from '@outrider/protocol/release/manifest';
import { parseAuditEntry } from '@outrider/protocol/trust/audit';
import { digestText } from '../../shared/digest.ts';
import type { Database } from './pool.ts';
import { documentsOf, numberOf, sha256Of, wellFormed } from './row.ts';

/**
 * Writes notes at the end of the chain, inside the transaction of the change they are about. It comes last there: the head
 * is held until the commit, and whoever holds it waits for nothing else.
 */
export async function appendAudit(query: Database['query'], notes: readonly AuditNote[]): Promise<void> {
  if (notes.length > 0) await append(query, await lockHead(query), notes);
}

/** The same for an entry of the policy log. Entries before it that a server of a former version appended come in first. */
export async function appendPolicyAudit(
  query: Database['query'],
  entry: PolicyEntry,
  note: AuditNote = policyNote(entry),
): Promise<void> {
  let head = await lockHead(query);
  while (head.revision + 1 < entry.revision) {
    const missing = documentsOf(await query(ENTRIES_MISSING, [head.revision, entry.revision, BATCH]), parsePolicyEntry);
    if (missing.length === 0) break;
    head = await append(query, head, missing.map(broughtIn));
  }
  await append(query, head, [note]);
}

/** Brings into the chain what was changed where no audit log was kept, and says so in each entry. */
export async function bringIn(database: Pick<Database, 'transaction'>): Promise<void> {
  while (await database.transaction(bringInSome));
}

/** A part of what is missing; true when there may be more. */
export async function bringInSome(query: Database['query']): Promise<boolean> {
  const head = await lockHead(query);
  const entries = documentsOf(await query(ENTRIES_MISSING, [head.revision, null, BATCH]), parsePolicyEntry);
  if (entries.length > 0) {
    await append(query, head, entries.map(broughtIn));
    return true;
  }
  const by = { actor: ACTOR_UNKNOWN, isBroughtIn: true };
  const published = documentsOf(await query(RELEASES_MISSING, [BATCH]), parsePublishedRelease);
  const withdrawn = documentsOf(await query(WITHDRAWALS_MISSING, [BATCH]), parsePublishedRelease);
  const notes = [
    ...published.map((one) => ({ ...publicationNote(one, by), isBroughtIn: true })),
    ...withdrawn.map((one) => ({ ...withdrawalNote(one, by), isBroughtIn: true })),
  ];
  if (notes.length > 0) await append(query, head, notes);
  return published.length === BATCH || withdrawn.length === BATCH;
}

/** Entries of one transaction: some megabytes. */
const BATCH = 1_000;

/** The end of the chain, and the newest entry of the policy log that is in it. */
interface LockedHead extends AuditHead {
  readonly revision: number;
  readonly wallAtMs: number;
}

async function lockHead(query: Database['query']): Promise<LockedHead> {
  const row = present((await query(LOCK_HEAD))[0], 'the head of the audit log');
  return {
    sequence: numberOf(row, 'sequence'),
    digest: sha256Of(row, 'digest'),
    revision: numberOf(row, 'revision'),
    wallAtMs: numberOf(row, 'wall_at'),
  };
}

async function append(query: Database['query'], locked: LockedHead, notes: readonly AuditNote[]): Promise<LockedHead> {
  const { wallAtMs } = locked;
  let head: AuditHead = locked;
  let { revision } = locked;
  const rows: AuditRow[] = [];
  for (const note of notes) {
    const linked = linkEntry(head, note, { wallAtMs, digestText });
    // What its reader would not take is not written.
    wellFormed(parseAuditEntry(linked.row.text));
    head = linked.head;
    revision = Math.max(revision, note.revision ?? 0);
    rows.push(linked.row);
  }
  const columns = [rows.map((one) => one.sequence), rows.map((one) => one.text), rows.map((one) => one.digest)];
  await query(APPEND, [...columns, head.sequence, head.digest, revision]);
  return { ...head, revision, wallAtMs };
}

function broughtIn(entry: PolicyEntry): AuditNote {
  return policyNote(entry, { isBroughtIn: true });
}

/** The wall clock of the database: one for all servers, and none of them sets it. */
const LOCK_HEAD = `
select sequence, digest, revision, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as wall_at
from audit_head for update`;

const APPEND = `
with added as (
  insert into audit_log (sequence, entry, digest) select * from unnest($1::bigint[], $2::text[], $3::text[])
)
update audit_head set sequence = $4, digest = $5, revision = $6`;

const ENTRIES_MISSING = `
select document from policy_entry_document
where revision > $1 and ($2::bigint is null or revision < $2) order by revision limit $3`;

const RELEASES_MISSING = `
select document from release_document r
where not exists (select from audit_log a where a.action = 'release-published' and a.subject = r.release_id)
order by ordinal limit $1`;

const WITHDRAWALS_MISSING = `
select document from release_document r
where exists (select from release w where w.release_id = r.release_id and w.withdrawn_at is not null)
  and not exists (select from audit_log a where a.action = 'release-withdrawn' and a.subject = r.release_id)
order by ordinal limit $1`;
