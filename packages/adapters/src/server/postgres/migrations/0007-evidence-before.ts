// SPDX-License-Identifier: Apache-2.0

/**
 * What was known of a device before its coin was tossed, kept with its row; the contacts it is known from, in two columns of
 * the device; and a person's ceiling beside the cap, in the gate that each commit reads. Functions and views take and give
 * more than before and nothing else: servers of the schema before go on beside it.
 */
export const EVIDENCE_BEFORE = `
alter table device
  -- Contacts are noted from contact_since on; bit k of contact_slots: heard of in the k-th slot of six hours before the
  -- one of last_contact_at (domain/gateway/contact-history.ts).
  add column contact_since bigint,
  add column contact_slots integer;

-- The same contacts as seen from another slot, so many later.
create function contact_slots_from(slots integer, later bigint) returns integer
language sql immutable parallel safe as $$
  select case
    when abs(later) > 11 then 0
    when later >= 0 then (slots << later::integer) & 4095
    else slots >> (-later)::integer
  end
$$;

create or replace view device_document as
select device_id, json_build_object(
  'deviceId', device_id,
  'publicKey', json_build_object('keyId', key_id, 'publicKey', public_key),
  'attributes', attributes,
  'registeredAt', registered_at,
  'status', json_strip_nulls(json_build_object(
    'sequence', sequence,
    'lastContactAt', last_contact_at,
    'contactHistory', case when contact_since is not null then
      json_build_object('since', contact_since, 'slots', contact_slots)
    end,
    'running', running,
    'state', state
  ))
) as document
from device;

alter table ledger
  add column had_crash_before boolean,
  add column was_silent_before boolean;

create or replace view ledger_row_document as
select position, device_id, json_strip_nulls(json_build_object(
  'rolloutId', rollout_id,
  'deviceId', device_id,
  'enrolment', enrolment,
  'kind', kind,
  'releaseId', release_id,
  'segment', segment,
  'arm', arm,
  'piBefore', pi_before,
  'pi', pi,
  'piEffective', pi_effective,
  'isRing', is_ring,
  'isPanel', is_panel,
  'hadCrashBefore', had_crash_before,
  'wasSilentBefore', was_silent_before,
  'permitId', permit_id,
  'epoch', epoch,
  'grantedAt', granted_at,
  'permitLifeMs', permit_life_ms
)) as document
from ledger;

-- Rollouts only: no treated enrolment beyond it, whatever the cap. Null: a person has set no ceiling.
alter table permit_gate add column limit_devices bigint;

-- A batch of proposals, each decided in its order: the ledger row that holds now, or why there is none. The settings: all
-- it does is look up single rows by key, also while the statistics still say that the tables are empty.
create or replace function grant_permits(proposals jsonb) returns table (ordinal bigint, refusal text, document json)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  p record;
  open_exposure exposure;
  segment_room bigint;
  person_limit bigint;
  former_count bigint;
  has_treated boolean;
  at bigint;
  refused text;
  held bigint;
  refused_all text[] := '{}';
  held_all bigint[] := '{}';
  -- Granted by this batch, by rollout and by segment: written once at the end, not once a row.
  taken jsonb := '{}';
  taken_by_segment jsonb := '{}';
  segment_key text;
  renewed bigint[] := '{}';
  renewed_at bigint[] := '{}';
  renewed_epochs bigint[] := '{}';
begin
  perform enter_permit_gate();
  perform enter_evidence_gate();
  perform from exposure e
  where e.rollout_id in (select one ->> 'rolloutId' from jsonb_array_elements(proposals) one)
  order by e.rollout_id for update;

  for p in
    select * from rows from (jsonb_to_recordset(proposals) as (
      "rolloutId" text, "deviceId" text, enrolment integer, kind text, "releaseId" text, segment text, region text,
      arm text, "piBefore" double precision, pi double precision, "piEffective" double precision, "isRing" boolean,
      "isPanel" boolean, "hadCrashBefore" boolean, "wasSilentBefore" boolean, "permitId" text, epoch bigint, "grantedAt" bigint, "permitLifeMs" bigint
    )) with ordinality
  loop
    held := null;
    at := taken_in_at(p."rolloutId", p."grantedAt");
    refused := refusal_by_policy(p."rolloutId", p.kind, p.epoch, p.region, p.segment);
    if refused is null then
      select l.position into held from ledger l
      where l.device_id = p."deviceId" and l.rollout_id = p."rolloutId" and l.kind = p.kind
        and l.enrolment = p.enrolment;
    end if;

    if held is not null then
      renewed := renewed || held;
      renewed_at := renewed_at || at;
      renewed_epochs := renewed_epochs || p.epoch;
    elsif refused is null and p.kind = 'enrolment' then
      segment_key := jsonb_build_array(p."rolloutId", p.segment)::text;
      select * into open_exposure from exposure e where e.rollout_id = p."rolloutId";
      select g.limit_devices into person_limit from permit_gate g where g.scope = 'rollout:' || p."rolloutId";
      select s.cap - s.granted - coalesce((taken_by_segment ->> segment_key)::bigint, 0) into segment_room
      from exposure_segment s where s.rollout_id = p."rolloutId" and s.segment = p.segment;
      select count(*), bool_or(l.arm = 'treated') into former_count, has_treated from ledger l
      where l.device_id = p."deviceId" and l.rollout_id = p."rolloutId" and l.kind = 'enrolment';
      refused := case
        when former_count <> p.enrolment - 1 or has_treated then 'already-enrolled'
        when open_exposure.granted + coalesce((taken ->> p."rolloutId")::bigint, 0) >= least(open_exposure.cap, person_limit)
          then 'cap-full'
        when coalesce(segment_room, 0) <= 0 then 'segment-cap-full'
      end;
      if refused is null and p.arm = 'treated' then
        taken := taken || jsonb_build_object(
          p."rolloutId", coalesce((taken ->> p."rolloutId")::bigint, 0) + 1);
        taken_by_segment := taken_by_segment || jsonb_build_object(
          segment_key, coalesce((taken_by_segment ->> segment_key)::bigint, 0) + 1);
      end if;
    end if;

    if held is null and refused is null then
      insert into ledger (
        device_id, rollout_id, kind, enrolment, release_id, segment, region, arm, pi_before, pi, pi_effective, is_ring,
        is_panel, had_crash_before, was_silent_before, permit_id, epoch, granted_at, permit_life_ms
      ) values (
        p."deviceId", p."rolloutId", p.kind, p.enrolment, p."releaseId", p.segment, p.region, p.arm, p."piBefore", p.pi,
        p."piEffective", p."isRing", p."isPanel", p."hadCrashBefore", p."wasSilentBefore", p."permitId", p.epoch, at,
        p."permitLifeMs"
      ) returning position into held;
      insert into ledger_outcome (
        position, device_id, rollout_id, granted_at, permitted_at, permit_epoch, permit_ends_at
      ) values (
        held, p."deviceId", p."rolloutId", at, at, p.epoch, case when p.arm = 'treated' then at + p."permitLifeMs" end
      );
    end if;
    refused_all := refused_all || refused;
    held_all := held_all || held;
  end loop;

  update exposure e set granted = e.granted + t.value::bigint
  from jsonb_each_text(taken) t where e.rollout_id = t.key;
  update exposure_segment s set granted = s.granted + t.value::bigint
  from jsonb_each_text(taken_by_segment) t
  where s.rollout_id = t.key::jsonb ->> 0 and s.segment = t.key::jsonb ->> 1;

  perform from ledger_outcome o where o.position = any (renewed) order by o.device_id, o.position for update;
  update ledger_outcome o set
    permitted_at = r.at,
    permit_epoch = r.epoch,
    permit_ends_at = o.permit_ends_at + (r.at - o.permitted_at)
  from unnest(renewed, renewed_at, renewed_epochs) as r (position, at, epoch)
  where o.position = r.position and r.at > o.permitted_at;

  -- Read here, since the calling statement began before these rows were.
  return query
    select answer.ordinality, answer.refused, d.document
    from unnest(refused_all, held_all) with ordinality as answer (refused, held)
    left join ledger_row_document d on d.position = answer.held;
end
$$;

`;
