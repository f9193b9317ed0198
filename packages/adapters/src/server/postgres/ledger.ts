// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { Ledger, OpenPermit, PermitCommit, PermitProposal } from '@outrider/domain/gateway/ports';
import { present } from '@outrider/domain/kernel/assert';
import { parseHourCount, parseLedgerOutcome, parseLedgerRow } from '@outrider/protocol/gateway/ledger';
import { parseOpenPermit } from './open-permit-document.ts';
import { type Database, LONG_ANSWER_MS, type Row } from './pool.ts';
import { documentsOf, numberOf, textOf, wellFormed } from './row.ts';

export function postgresLedger(database: Database): Ledger {
  return {
    async commitPermits(proposals) {
      const flat = proposals.map(({ row, region }) => ({ ...row, region }));
      const rows = await database.query(COMMIT, [JSON.stringify(flat)]);
      const commits = new Map(rows.map((row) => [numberOf(row, 'ordinal'), permitCommitOf(row)]));
      return proposals.map((proposal, index) => {
        const commit = present(commits.get(index + 1), 'an answer to every proposal');
        if (isOf(proposal, commit)) return commit;
        // The row that may have come into being is found when the device asks again.
        throw new StoreAwayError('It answered another question: what lies between it and this server mixes up answers');
      });
    },
    async loadRows(rolloutId, { afterPosition, limit }) {
      return documentsOf(
        await database.query(LOAD_ROWS, [rolloutId, afterPosition, limit], LONG_ANSWER_MS),
        parseLedgerOutcome,
      );
    },
    async loadRowsTouched(rolloutId, { afterMs, upTo }, windowsMs) {
      await database.query('select close_evidence_interval($1, $2)', [rolloutId, upTo], LONG_ANSWER_MS);
      const rows = await database.query(LOAD_TOUCHED, [rolloutId, afterMs, upTo, windowsMs], LONG_ANSWER_MS);
      return documentsOf(rows, parseLedgerOutcome);
    },
    async loadOpenPermits(scope, now): Promise<readonly OpenPermit[]> {
      return documentsOf(await database.query(LOAD_OPEN, [scope, now], LONG_ANSWER_MS), parseOpenPermit);
    },
    async countByHour(rolloutId) {
      return documentsOf(await database.query(COUNT_BY_HOUR, [rolloutId], LONG_ANSWER_MS), parseHourCount);
    },
    async noteContacts(contacts) {
      await database.query('select note_contacts($1::jsonb)', [JSON.stringify(contacts)]);
    },
  };
}

/** A permit leaves for the device that asked, whatever a connection brings. */
function isOf({ row: proposed }: PermitProposal, commit: PermitCommit): boolean {
  if (commit.kind === 'refused') return true;
  const { deviceId, rolloutId, kind } = commit.row;
  return deviceId === proposed.deviceId && rolloutId === proposed.rolloutId && kind === proposed.kind;
}

function permitCommitOf(row: Row): PermitCommit {
  // One of both is null.
  if (row.refusal === null) return { kind: 'committed', row: wellFormed(parseLedgerRow(textOf(row, 'document'))) };
  const refusal = textOf(row, 'refusal');
  const code = REFUSALS.find((one) => one === refusal);
  return { kind: 'refused', code: present(code, `a refusal that the domain knows, got ${refusal}`) };
}

const REFUSALS = [
  'cap-full',
  'segment-cap-full',
  'epoch-moved',
  'rollout-not-running',
  'scope-paused',
  'segment-halted',
  'already-enrolled',
] as const satisfies readonly Extract<PermitCommit, { readonly kind: 'refused' }>['code'][];

const COMMIT = 'select ordinal, refusal, document from grant_permits($1::jsonb)';

const LOAD_ROWS = `
select document from ledger_outcome_document where rollout_id = $1 and position > $2 order by position limit $3`;

/** By three indexes: granted in the interval, heard of since it began, a window closing in it; then exactly. */
const LOAD_TOUCHED = `
with candidate as (
  select position from ledger_outcome where rollout_id = $1 and granted_at > $2::bigint and granted_at <= $3::bigint
  union
  select position from ledger_outcome where rollout_id = $1 and last_heard_at > $2::bigint
  union
  select o.position from unnest($4::bigint[]) as w (window_ms) join ledger_outcome o
    on o.rollout_id = $1 and o.granted_at > $2::bigint - w.window_ms and o.granted_at <= $3::bigint - w.window_ms
)
select d.document from candidate join ledger_outcome o using (position) join ledger_outcome_document d using (position)
where exists (
  select from unnest(
    array[
      o.granted_at, o.first_contact_at, o.second_day_contact_at, o.fourth_day_contact_at, o.verified_at, o.reverted_at, o.install_failed_at, o.crashed_at, o.sensor_fault_at
    ] || array(select o.granted_at + window_ms from unnest($4::bigint[]) as w (window_ms))
  ) as instant (at)
  where instant.at > $2::bigint and instant.at <= $3::bigint
)
order by o.position`;

const COUNT_BY_HOUR = `
select json_build_object(
  'segment', l.segment,
  'hourOfDay', l.granted_at % 86400000 / 3600000,
  'enrolled', count(*),
  'treated', count(*) filter (where l.arm = 'treated'),
  'reverted', count(o.reverted_at) filter (where l.arm = 'treated'),
  'installFailed', count(o.install_failed_at) filter (where l.arm = 'treated'),
  'crashed', count(*) filter (where o.crashed_at <= l.granted_at + 86400000),
  'sensorFaulty', count(*) filter (where o.sensor_fault_at <= l.granted_at + 86400000)
) as document
from ledger_outcome o join ledger l using (position)
where o.rollout_id = $1 and l.kind = 'enrolment'
group by l.segment, l.granted_at % 86400000 / 3600000`;

const LOAD_OPEN = `
select json_build_object(
  'permitId', l.permit_id, 'deviceId', l.device_id, 'rolloutId', l.rollout_id, 'epoch', o.permit_epoch,
  'expiresAt', o.permit_ends_at
) as document
from ledger_outcome o join ledger l using (position)
where o.permit_ends_at is not null and (o.settled_at is null or o.settled_at < o.permitted_at)
  and o.permit_ends_at > $2
  and ($1 = 'global' or $1 = 'region:' || l.region or $1 = 'rollout:' || l.rollout_id)
order by o.position`;
