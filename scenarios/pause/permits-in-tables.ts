// SPDX-License-Identifier: Apache-2.0
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { numberOf, textOf } from '@outrider/adapters/server/postgres/row';

/** A permit that came into being, or lived on, and when its transaction committed by the database's own record. */
export interface CommittedPermit {
  readonly permitId: string;
  readonly rolloutId: string;
  readonly region: string;
  readonly isRenewal: boolean;
  readonly committedUs: number;
}

/** A change of the policy by its reason, and when it committed. */
export interface CommittedChange {
  readonly revision: number;
  readonly reason: string;
  readonly committedUs: number;
}

/** PostgreSQL keeps for each transaction when it committed. */
export const KEEP_COMMIT_TIMES = { track_commit_timestamp: 'on' } as const;

/** Triggers of our own note what the servers' statements do to the ledger; nothing that they say of it is believed. */
const NOTE_PERMITS = `
create table proof_permit (position bigint not null, is_renewal boolean not null);
create function note_permit() returns trigger language plpgsql as $$
begin
  insert into proof_permit values (new.position, tg_op = 'UPDATE');
  return null;
end $$;
create trigger proof_granted after insert on ledger for each row execute function note_permit();
create trigger proof_renewed after update of permitted_at on ledger_outcome for each row
  when (new.permitted_at is distinct from old.permitted_at) execute function note_permit();`;

/** The planted bug: a pause that only notifies. Gateways go by what they have heard, and no lock asks what the policy says. */
const NOTIFY_ONLY = `
create or replace function refusal_by_policy(rollout text, kind text, epoch bigint, region text, segment text)
returns text language sql stable as $$ select null::text $$`;

export async function preparePermits(connection: PostgresConnection, isPlanted: boolean): Promise<void> {
  const database = openDatabase(connection, { purpose: 'proof', connectionsMax: 1 });
  try {
    await database.query(NOTE_PERMITS);
    if (isPlanted) await database.query(NOTIFY_ONLY);
  } finally {
    await database.close();
  }
}

/** Lets the ring of a rollout be as large as it is: what is tried is the pause, not the caps. */
export const OPEN_CAPS = `update exposure set cap = 1000000; update exposure_segment set cap = 1000000`;

export async function loadCommitted(
  connection: PostgresConnection,
): Promise<{ readonly permits: readonly CommittedPermit[]; readonly changes: readonly CommittedChange[] }> {
  const database = openDatabase(connection, { purpose: 'proof', connectionsMax: 1 });
  try {
    const permits = await database.query(PERMITS);
    const changes = await database.query(CHANGES);
    return {
      permits: permits.map((row) => ({
        permitId: textOf(row, 'permit_id'),
        rolloutId: textOf(row, 'rollout_id'),
        region: textOf(row, 'region'),
        isRenewal: row.is_renewal === true,
        committedUs: numberOf(row, 'committed_us'),
      })),
      changes: changes.map((row) => ({
        revision: numberOf(row, 'revision'),
        reason: textOf(row, 'reason'),
        committedUs: numberOf(row, 'committed_us'),
      })),
    };
  } finally {
    await database.close();
  }
}

const COMMITTED = '(extract(epoch from pg_xact_commit_timestamp(p.xmin)) * 1000000)::bigint as committed_us';

const PERMITS = `
select l.permit_id, l.rollout_id, l.region, p.is_renewal, ${COMMITTED}
from proof_permit p join ledger l using (position) where l.arm = 'treated'`;

const CHANGES = `
select p.revision, coalesce(p.change ->> 'reason', '') as reason, ${COMMITTED} from policy_log p order by p.revision`;
