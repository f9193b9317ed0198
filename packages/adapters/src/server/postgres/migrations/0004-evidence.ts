// SPDX-License-Identifier: Apache-2.0

/**
 * What is heard after a permit: reports and contacts, each batch one statement, in the lock order of the permits, with the
 * settings of `grant_permits`.
 */
export const EVIDENCE = `
-- Each report in the order of device and sequence: counted, duplicate or unmatched.
create function append_reports(reports jsonb) returns table (ordinal bigint, result text)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  r record;
  at bigint;
  matched bigint;
begin
  perform enter_evidence_gate();
  for r in
    select t.ordinality, t.report, t."receivedAt" as received_at, t."signedBody" as signed_body, t.signature,
      t.report ->> 'deviceId' as device_id, (t.report ->> 'sequence')::bigint as sequence,
      t.report ->> 'rolloutId' as rollout_id, t.report ->> 'releaseId' as release_id,
      t.report ->> 'permitId' as permit_id, t.report ->> 'event' as event
    from rows from (jsonb_to_recordset(reports) as (
      report jsonb, "receivedAt" bigint, "signedBody" text, signature text
    )) with ordinality as t
    order by t.report ->> 'deviceId' collate "C", (t.report ->> 'sequence')::bigint, t.ordinality
  loop
    ordinal := r.ordinality;
    at := taken_in_at(r.rollout_id, r.received_at);
    insert into report (device_id, sequence, rollout_id, received_at, report, signed_body, signature)
    values (r.device_id, r.sequence, r.rollout_id, at, r.report, r.signed_body, r.signature)
    on conflict (device_id, sequence) do nothing;
    if not found then
      result := 'duplicate';
      return next;
      continue;
    end if;

    -- The row of the permit it names; for a fault without a permit (the control arm) the newest enrolment.
    select l.position into matched from ledger l
    where l.device_id = r.device_id and l.rollout_id = r.rollout_id and case
      when r.permit_id is not null then l.permit_id = r.permit_id and l.release_id = r.release_id
      else r.event in ('crash', 'sensor-fault') and l.kind = 'enrolment'
    end
    order by l.position desc limit 1;
    if not found then
      result := 'unmatched';
      return next;
      continue;
    end if;

    update ledger_outcome o set
      verified_at = case when r.event = 'verified' then coalesce(o.verified_at, at) else o.verified_at end,
      reverted_at = case when r.event = 'reverted' then coalesce(o.reverted_at, at) else o.reverted_at end,
      install_failed_at = case when r.event = 'install-failed' then coalesce(o.install_failed_at, at) else o.install_failed_at end,
      crashed_at = case when r.event = 'crash' then coalesce(o.crashed_at, at) else o.crashed_at end,
      sensor_fault_at = case when r.event = 'sensor-fault' then coalesce(o.sensor_fault_at, at) else o.sensor_fault_at end
    where o.position = matched;
    result := 'counted';
    return next;
  end loop;
end
$$;

-- The first contact later than one hour after the grant, where none is noted yet.
create function note_contacts(contacts jsonb) returns void
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  perform enter_evidence_gate();
  with heard as (
    select o.position, taken_in_at(o.rollout_id, c.at) as at
    from jsonb_to_recordset(contacts) as c ("deviceId" text, at bigint)
    join ledger_outcome o on o.device_id = c."deviceId" and o.first_contact_at is null
    where taken_in_at(o.rollout_id, c.at) > o.granted_at + 3600000
    order by o.device_id, o.position for update of o
  )
  update ledger_outcome o set first_contact_at = h.at
  from (select position, min(at) as at from heard group by position) h
  where o.position = h.position and o.first_contact_at is null;
end
$$;
`;
