// SPDX-License-Identifier: Apache-2.0

/**
 * The first contact of each stretch of a row, as `withContact` of the domain notes it: later than one hour, 24 h and 72 h
 * after the grant. One statement a batch, in the lock order of the permits.
 */
export const LATER_CONTACTS = `
alter table ledger_outcome
  add column second_day_contact_at bigint,
  add column fourth_day_contact_at bigint,
  drop column last_heard_at;
alter table ledger_outcome
  add column last_heard_at bigint generated always as (greatest(
    first_contact_at, second_day_contact_at, fourth_day_contact_at,
    verified_at, reverted_at, install_failed_at, crashed_at, sensor_fault_at
  )) stored;
create index ledger_outcome_heard on ledger_outcome (rollout_id, last_heard_at) where last_heard_at is not null;
drop index ledger_outcome_unheard;
create index ledger_outcome_awaited on ledger_outcome (device_id) where fourth_day_contact_at is null;

create or replace view ledger_outcome_document as
select o.position, o.rollout_id, json_strip_nulls(json_build_object(
  'position', o.position,
  'row', r.document,
  'firstContactAt', o.first_contact_at,
  'secondDayContactAt', o.second_day_contact_at,
  'fourthDayContactAt', o.fourth_day_contact_at,
  'verifiedAt', o.verified_at,
  'revertedAt', o.reverted_at,
  'installFailedAt', o.install_failed_at,
  'crashedAt', o.crashed_at,
  'sensorFaultAt', o.sensor_fault_at
)) as document
from ledger_outcome o join ledger_row_document r using (position);

create or replace function note_contacts(contacts jsonb) returns void
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  perform enter_evidence_gate();
  with heard as (
    select o.position, o.granted_at, taken_in_at(o.rollout_id, c.at) as at
    from jsonb_to_recordset(contacts) as c ("deviceId" text, at bigint)
    join ledger_outcome o on o.device_id = c."deviceId" and o.fourth_day_contact_at is null
    where taken_in_at(o.rollout_id, c.at) > o.granted_at + case
      when o.first_contact_at is null then 3600000
      when o.second_day_contact_at is null then 86400000
      else 259200000
    end
    order by o.device_id, o.position for update of o
  ), first_heard as (
    select position,
      min(at) filter (where at > granted_at + 3600000) as first_at,
      min(at) filter (where at > granted_at + 86400000) as second_day_at,
      min(at) filter (where at > granted_at + 259200000) as fourth_day_at
    from heard group by position
  )
  update ledger_outcome o set
    first_contact_at = coalesce(o.first_contact_at, h.first_at),
    second_day_contact_at = coalesce(o.second_day_contact_at, h.second_day_at),
    fourth_day_contact_at = coalesce(o.fourth_day_contact_at, h.fourth_day_at)
  from first_heard h
  where o.position = h.position;
end
$$;
`;
