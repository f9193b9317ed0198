// SPDX-License-Identifier: Apache-2.0

/**
 * What finds devices. Devices that share attributes, version, counter and state are one profile: a fleet of a million has
 * some ten thousand of them, so that any question about these fields is a look at a small table, and an exact count a sum
 * of it. The table is kept by triggers, inside the statement that changes a device; it is derived, and no part of a backup.
 *
 * Lock order, before that of the permits: import gate (782311, 3), devices by id, profiles by key.
 */
export const FIND_DEVICES = `
-- A text that sorts by bytes as SemVer 2.0.0 §11 ranks versions. Numbers carry the count of their digits before them;
-- '0' ends a pre-release, below the '1' and '2' that begin its fields; '~', above all of them, stands for none.
create function version_key(version text) returns text
language plpgsql immutable strict parallel safe as $$
declare
  bare text := split_part(version, '+', 1);
  dash integer := strpos(bare, '-');
  key text := '';
  part text;
begin
  foreach part in array string_to_array(case when dash = 0 then bare else left(bare, dash - 1) end, '.') loop
    key := key || lpad(length(part)::text, 3, '0') || part;
  end loop;
  if dash = 0 then
    return key || '~';
  end if;
  foreach part in array string_to_array(substr(bare, dash + 1), '.') loop
    key := key || case
      when part ~ '^[0-9]+$' then '1' || lpad(length(part)::text, 3, '0') || part
      else '2' || part || '!'
    end;
  end loop;
  return key || '0';
end
$$;

-- Names a profile by its content: no look-up, and no order in which two batches could wait for each other.
create function profile_of(attributes jsonb, running jsonb, state text) returns uuid
language plpgsql immutable strict parallel safe as $$
begin
  return left(encode(sha256(convert_to(
    jsonb_build_array(attributes, running -> 'version', running -> 'releaseCounter', state)::text, 'UTF8'
  )), 'hex'), 32)::uuid;
end
$$;

create table device_profile (
  profile uuid primary key,
  device_count bigint not null,
  device_type text collate "C" not null,
  model text collate "C" not null,
  hardware_id text collate "C" not null,
  region text collate "C" not null,
  customer text collate "C" not null,
  carrier text collate "C" not null,
  tags text[] not null,
  version text not null,
  version_key text collate "C" not null generated always as (version_key(version)) stored,
  release_counter bigint not null,
  state text not null
) with (fillfactor = 50);
-- What questions mostly begin with; all else is a look at the whole small table. None of these columns ever changes.
create index device_profile_tags on device_profile using gin (tags) with (fastupdate = off);
create index device_profile_customer on device_profile (customer);

alter table device
  -- Grows with each change of the attributes by a person: what an import must have seen to change them again.
  add column attributes_revision bigint not null default 1,
  add column profile uuid not null generated always as (profile_of(attributes, running, state)) stored,
  -- Changes once a day, so that a contact within it stays an update without index work.
  add column contact_day integer not null generated always as ((last_contact_at / 86400000)::integer) stored;
create index device_of_profile on device (profile, device_id);
create index device_of_contact_day on device (contact_day);

create type profile_change as (profile uuid, change bigint, attributes jsonb, running jsonb, state text);

create function count_profiles() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform add_to_profiles(array_agg(n)) from (
      select (profile, count(*), (array_agg(attributes))[1], (array_agg(running))[1], min(state))::profile_change as n
      from after_change group by profile
    ) changed;
  elsif tg_op = 'DELETE' then
    perform add_to_profiles(array_agg(n)) from (
      select (profile, -count(*), (array_agg(attributes))[1], (array_agg(running))[1], min(state))::profile_change as n
      from before_change group by profile
    ) changed;
  else
    perform add_to_profiles(array_agg(n)) from (
      select (profile, sum(change), (array_agg(attributes))[1], (array_agg(running))[1], min(state))::profile_change as n
      from (
        select n.profile, 1 as change, n.attributes, n.running, n.state
        from after_change n join before_change o using (device_id) where n.profile <> o.profile
        union all
        select o.profile, -1, o.attributes, o.running, o.state
        from after_change n join before_change o using (device_id) where n.profile <> o.profile
      ) moved
      group by profile having sum(change) <> 0
    ) changed;
  end if;
  return null;
end
$$;

-- In order of their keys, as every batch. A profile that lost its last device goes, unless another batch has just found it.
create function add_to_profiles(changes profile_change[]) returns void language plpgsql as $$
begin
  if changes is null then
    return;
  end if;
  insert into device_profile as p (
    profile, device_count, device_type, model, hardware_id, region, customer, carrier, tags, version, release_counter, state
  )
  select c.profile, c.change, c.attributes ->> 'deviceType', c.attributes ->> 'model', c.attributes ->> 'hardwareId',
    c.attributes ->> 'region', c.attributes ->> 'customer', c.attributes ->> 'carrier',
    array(select jsonb_array_elements_text(c.attributes -> 'tags')), c.running ->> 'version',
    (c.running ->> 'releaseCounter')::bigint, c.state
  from unnest(changes) c
  order by c.profile
  on conflict (profile) do update set device_count = p.device_count + excluded.device_count;
  delete from device_profile p using unnest(changes) c where p.profile = c.profile and c.change < 0 and p.device_count = 0;
end
$$;

insert into device_profile (
  profile, device_count, device_type, model, hardware_id, region, customer, carrier, tags, version, release_counter, state
)
select profile, device_count, attributes ->> 'deviceType', attributes ->> 'model', attributes ->> 'hardwareId',
  attributes ->> 'region', attributes ->> 'customer', attributes ->> 'carrier',
  array(select jsonb_array_elements_text(attributes -> 'tags')), running ->> 'version',
  (running ->> 'releaseCounter')::bigint, state
from (
  select profile, count(*) as device_count, (array_agg(attributes))[1] as attributes, (array_agg(running))[1] as running,
    min(state) as state
  from device group by profile
) found;

create trigger profiles_of_new after insert on device
  referencing new table as after_change for each statement execute function count_profiles();
create trigger profiles_of_changed after update on device
  referencing old table as before_change new table as after_change for each statement execute function count_profiles();
create trigger profiles_of_gone after delete on device
  referencing old table as before_change for each statement execute function count_profiles();

-- Devices that somebody said would come, before they register.
create table expected_device (
  device_id text collate "C" primary key,
  public_key text,
  attributes jsonb not null,
  attributes_revision bigint not null default 1,
  expected_since bigint not null
);

-- Each change of the attributes of a registered device by an import: who, when, to what. Gateways read it to follow.
create table attribute_change (
  position bigint generated always as identity primary key,
  device_id text collate "C" not null,
  at bigint not null,
  author text not null,
  attributes_revision bigint not null,
  attributes jsonb not null
);
create trigger append_only before update or delete or truncate on attribute_change execute function refuse_change();
`;
