// SPDX-License-Identifier: Apache-2.0

/**
 * Between which ids the devices of a profile lie. The bounds only widen while the profile has a device, so that they always
 * hold: a device that has left may still stand as one of them. They cannot grow beyond the devices with these attributes,
 * which come in lots. Null: not known.
 */
export const PROFILE_BOUNDS = `
alter table device_profile
  add column first_id text collate "C",
  add column last_id text collate "C";
alter type profile_change add attribute first_id text collate "C";
alter type profile_change add attribute last_id text collate "C";

create or replace function count_profiles() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform add_to_profiles(array_agg(n)) from (
      select (
        profile, count(*), (array_agg(attributes))[1], (array_agg(running))[1], min(state), min(device_id), max(device_id)
      )::profile_change as n
      from after_change group by profile
    ) changed;
  elsif tg_op = 'DELETE' then
    perform add_to_profiles(array_agg(n)) from (
      select (
        profile, -count(*), (array_agg(attributes))[1], (array_agg(running))[1], min(state), null, null
      )::profile_change as n
      from before_change group by profile
    ) changed;
  else
    perform add_to_profiles(array_agg(n)) from (
      select (
        profile, sum(change), (array_agg(attributes))[1], (array_agg(running))[1], min(state), min(device_id), max(device_id)
      )::profile_change as n
      from (
        select n.profile, 1 as change, n.attributes, n.running, n.state, n.device_id
        from after_change n join before_change o using (device_id) where n.profile <> o.profile
        union all
        select o.profile, -1, o.attributes, o.running, o.state, null
        from after_change n join before_change o using (device_id) where n.profile <> o.profile
      ) moved
      -- Where as many came as left the count stands, and the bounds may not.
      group by profile having sum(change) <> 0 or count(device_id) > 0
    ) changed;
  end if;
  return null;
end
$$;

create or replace function add_to_profiles(changes profile_change[]) returns void language plpgsql as $$
begin
  if changes is null then
    return;
  end if;
  insert into device_profile as p (
    profile, device_count, device_type, model, hardware_id, region, customer, carrier, tags, version, release_counter, state,
    first_id, last_id
  )
  select c.profile, c.change, c.attributes ->> 'deviceType', c.attributes ->> 'model', c.attributes ->> 'hardwareId',
    c.attributes ->> 'region', c.attributes ->> 'customer', c.attributes ->> 'carrier',
    array(select jsonb_array_elements_text(c.attributes -> 'tags')), c.running ->> 'version',
    (c.running ->> 'releaseCounter')::bigint, c.state, c.first_id, c.last_id
  from unnest(changes) c
  order by c.profile
  -- least and greatest pass over null, which is what a device that leaves brings; unknown bounds stay unknown.
  on conflict (profile) do update set device_count = p.device_count + excluded.device_count,
    first_id = case when p.first_id is not null then least(p.first_id, excluded.first_id) end,
    last_id = case when p.last_id is not null then greatest(p.last_id, excluded.last_id) end;
  delete from device_profile p using unnest(changes) c where p.profile = c.profile and c.change < 0 and p.device_count = 0;
end
$$;

update device_profile p set first_id = found.first_id, last_id = found.last_id
from (select profile, min(device_id) as first_id, max(device_id) as last_id from device group by profile) found
where p.profile = found.profile;
`;
