// SPDX-License-Identifier: Apache-2.0

/**
 * What devices signed about what they run: the newest version manifest that was believed, and the newest claim that was not, in
 * the statement that takes in the report. Nothing else of `append_reports` has changed.
 */
export const VERSION_MANIFESTS = `
create table version_manifest (
  device_id text collate "C" primary key references device,
  manifest jsonb,
  disbelieved jsonb
);

-- Each report in the order of device and sequence: counted, duplicate or unmatched.
create or replace function append_reports(reports jsonb) returns table (ordinal bigint, result text)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  r record;
  at bigint;
  matched bigint;
begin
  perform enter_evidence_gate();
  for r in
    select t.ordinality, t.report, t."receivedAt" as received_at, t."signedBody" as signed_body, t.signature, t.kept,
      t.report ->> 'deviceId' as device_id, (t.report ->> 'sequence')::bigint as sequence,
      t.report ->> 'rolloutId' as rollout_id, t.report ->> 'releaseId' as release_id,
      t.report ->> 'permitId' as permit_id, t.report ->> 'event' as event
    from rows from (jsonb_to_recordset(reports) as (
      report jsonb, "receivedAt" bigint, "signedBody" text, signature text, kept jsonb
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

    if r.kept is not null then
      -- Reports may come in any order: of each kind the one with the highest sequence stays.
      insert into version_manifest as m (device_id, manifest, disbelieved)
      values (r.device_id, r.kept -> 'manifest', r.kept -> 'disbelieved')
      on conflict (device_id) do update set
        manifest = case
          when (excluded.manifest ->> 'sequence')::bigint > coalesce((m.manifest ->> 'sequence')::bigint, 0)
          then excluded.manifest else m.manifest end,
        disbelieved = case
          when (excluded.disbelieved ->> 'sequence')::bigint > coalesce((m.disbelieved ->> 'sequence')::bigint, 0)
          then excluded.disbelieved else m.disbelieved end;
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
`;
