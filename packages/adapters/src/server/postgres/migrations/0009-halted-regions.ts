// SPDX-License-Identifier: Apache-2.0

/**
 * Regions of a rollout that people halt, in the gate that each commit of permits reads under its lock: no enrolment there, and
 * where the region goes back, its way back while the others go on. Servers of the schema before leave the columns alone.
 */
export const HALTED_REGIONS = `
alter table permit_gate
  add column halted_regions text[] not null default '{}',
  add column rollback_regions text[] not null default '{}';

create or replace function refusal_by_policy(rollout text, kind text, epoch bigint, region text, segment text)
returns text
language sql stable as $$
  select case
    when g is null or not exists (select from exposure where rollout_id = $1) then 'rollout-not-running'
    when g.epoch <> $3 then 'epoch-moved'
    when g.opens <> $2 and not ($2 = 'rollback' and g.opens = 'enrolment' and $4 = any (g.rollback_regions))
      then 'rollout-not-running'
    when exists (
      select from permit_gate s where s.scope in ('global', 'region:' || $4) and s.opens not in ('all', $2)
    ) then 'scope-paused'
    when $2 = 'enrolment' and ($5 = any (g.halted_segments) or $4 = any (g.halted_regions)) then 'segment-halted'
  end
  from (select) as one left join permit_gate g on g.scope = 'rollout:' || $1
$$;
`;
