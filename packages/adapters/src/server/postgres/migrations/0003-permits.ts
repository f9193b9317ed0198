// SPDX-License-Identifier: Apache-2.0

/**
 * The commit of permits and its conflict with pauses. The gate is an advisory lock, not row locks: PostgreSQL queues for it
 * in order, so that a pause is not starved by a stream of permits, and it holds for scopes that have no row yet.
 *
 * Lock order, the same everywhere: policy_head, permit gate, evidence gate, exposures by id, outcomes by device.
 */
export const PERMITS = `
create function enter_permit_gate() returns void language sql as $$
  select pg_advisory_xact_lock_shared(782311, 1)
$$;

create function close_permit_gate() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(782311, 1);
  return null;
end
$$;

-- Whoever moves a gate waits for the commits under way; commits that come later see what moved.
create trigger wait_for_commits before insert or update or delete or truncate on permit_gate
  execute function close_permit_gate();

-- Held shared by whatever stamps an instant on the ledger, exclusively by whoever closes an interval of evidence.
create function enter_evidence_gate() returns void language sql as $$
  select pg_advisory_xact_lock_shared(782311, 2)
$$;

create function close_evidence_interval(rollout text, up_to bigint) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(782311, 2);
  insert into evidence_mark as m (rollout_id, counted_to) values (rollout, up_to)
  on conflict (rollout_id) do update set counted_to = greatest(m.counted_to, excluded.counted_to);
end
$$;

-- The instant at which something is taken in: never inside an interval that was counted already.
create function taken_in_at(rollout text, at bigint) returns bigint language sql stable as $$
  select greatest(at, coalesce((select counted_to + 1 from evidence_mark where rollout_id = rollout), at))
$$;

-- What the policy says against a permit now, or null. To be asked inside the permit gate.
create function refusal_by_policy(rollout text, kind text, epoch bigint, region text, segment text) returns text
language sql stable as $$
  select case
    when g is null or not exists (select from exposure where rollout_id = $1) then 'rollout-not-running'
    when g.epoch <> $3 then 'epoch-moved'
    when g.opens <> $2 then 'rollout-not-running'
    when exists (
      select from permit_gate s where s.scope in ('global', 'region:' || $4) and s.opens not in ('all', $2)
    ) then 'scope-paused'
    when $2 = 'enrolment' and $5 = any (g.halted_segments) then 'segment-halted'
  end
  from (select) as one left join permit_gate g on g.scope = 'rollout:' || $1
$$;

-- A batch of proposals, each decided in its order: the ledger row that holds now, or why there is none. The settings: all
-- it does is look up single rows by key, also while the statistics still say that the tables are empty.
create function grant_permits(proposals jsonb) returns table (ordinal bigint, refusal text, document json)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  p record;
  open_exposure exposure;
  segment_room bigint;
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
      "isPanel" boolean, "permitId" text, epoch bigint, "grantedAt" bigint, "permitLifeMs" bigint
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
      select s.cap - s.granted - coalesce((taken_by_segment ->> segment_key)::bigint, 0) into segment_room
      from exposure_segment s where s.rollout_id = p."rolloutId" and s.segment = p.segment;
      select count(*), bool_or(l.arm = 'treated') into former_count, has_treated from ledger l
      where l.device_id = p."deviceId" and l.rollout_id = p."rolloutId" and l.kind = 'enrolment';
      refused := case
        when former_count <> p.enrolment - 1 or has_treated then 'already-enrolled'
        when open_exposure.granted + coalesce((taken ->> p."rolloutId")::bigint, 0) >= open_exposure.cap then 'cap-full'
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
        is_panel, permit_id, epoch, granted_at, permit_life_ms
      ) values (
        p."deviceId", p."rolloutId", p.kind, p.enrolment, p."releaseId", p.segment, p.region, p.arm, p."piBefore", p.pi,
        p."piEffective", p."isRing", p."isPanel", p."permitId", p.epoch, at, p."permitLifeMs"
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
