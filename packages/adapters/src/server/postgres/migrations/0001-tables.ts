// SPDX-License-Identifier: Apache-2.0

/**
 * The tables. Instants and durations are milliseconds of fleet time. Ids compare by their bytes, as in the domain, on any
 * database. Views shape rows as the domain's documents, so that each shape is written once.
 */
export const TABLES = `
create table policy_head (
  is_only boolean primary key default true check (is_only),
  revision bigint not null
);
insert into policy_head (revision) values (0);

create table policy_log (
  revision bigint primary key,
  at bigint not null,
  author text not null,
  change jsonb not null
);

-- What permits may come into being now: a row for each rollout ('rollout:<id>'), and for each scope that was ever paused
-- ('global', 'region:<name>'). A scope without a row lets all pass.
create table permit_gate (
  scope text collate "C" primary key,
  opens text not null check (opens in ('all', 'enrolment', 'rollback', 'none')),
  -- Rollouts only: the epoch that a proposal must carry, and the segments that get nothing more.
  epoch bigint not null default 0,
  halted_segments text[] not null default '{}'
);

create table exposure (
  rollout_id text collate "C" primary key,
  wave_index integer not null,
  wave_started_at bigint not null,
  pi double precision not null,
  cap bigint not null,
  granted bigint not null default 0,
  downloads_allowed bigint not null,
  is_complete boolean not null,
  hold_reason text,
  constraint granted_within_cap check (granted <= cap)
);

create table exposure_segment (
  rollout_id text collate "C" not null references exposure,
  segment text collate "C" not null,
  ordinal integer not null,
  population bigint not null,
  cap bigint not null,
  granted bigint not null default 0,
  primary key (rollout_id, segment),
  constraint granted_within_cap check (granted <= cap)
);

create table device (
  device_id text collate "C" primary key,
  key_id text not null,
  public_key text not null,
  attributes jsonb not null,
  registered_at bigint not null,
  sequence bigint not null,
  last_contact_at bigint not null,
  running jsonb not null,
  state text not null
) with (fillfactor = 80);

create table ledger (
  position bigint generated always as identity primary key,
  device_id text collate "C" not null,
  rollout_id text collate "C" not null references exposure,
  kind text not null check (kind in ('enrolment', 'rollback')),
  enrolment integer not null,
  release_id text not null,
  segment text not null,
  region text not null,
  arm text not null check (arm in ('treated', 'control')),
  pi_before double precision not null,
  pi double precision not null,
  pi_effective double precision not null,
  is_ring boolean not null,
  is_panel boolean not null,
  permit_id text not null,
  epoch bigint not null,
  granted_at bigint not null,
  permit_life_ms bigint not null,
  unique (device_id, rollout_id, kind, enrolment)
);

-- What moves beside a ledger row, which itself never changes: the last time its permit was given, and what was heard since.
create table ledger_outcome (
  position bigint primary key references ledger,
  device_id text collate "C" not null,
  rollout_id text collate "C" not null,
  granted_at bigint not null,
  permitted_at bigint not null,
  permit_epoch bigint not null,
  -- Null for the control arm, which holds no permit.
  permit_ends_at bigint,
  first_contact_at bigint,
  verified_at bigint,
  reverted_at bigint,
  install_failed_at bigint,
  crashed_at bigint,
  sensor_fault_at bigint,
  last_heard_at bigint generated always as (greatest(
    first_contact_at, verified_at, reverted_at, install_failed_at, crashed_at, sensor_fault_at
  )) stored,
  settled_at bigint generated always as (greatest(verified_at, reverted_at, install_failed_at)) stored
) with (fillfactor = 80);
create index ledger_outcome_of_rollout on ledger_outcome (rollout_id, position);
create index ledger_outcome_granted on ledger_outcome (rollout_id, granted_at);
create index ledger_outcome_heard on ledger_outcome (rollout_id, last_heard_at) where last_heard_at is not null;
create index ledger_outcome_unheard on ledger_outcome (device_id) where first_contact_at is null;
create index ledger_outcome_open on ledger_outcome (permit_ends_at)
  where permit_ends_at is not null and (settled_at is null or settled_at < permitted_at);

-- Evidence of a rollout is counted up to and including this instant; what is taken in later is stamped later.
create table evidence_mark (
  rollout_id text collate "C" primary key,
  counted_to bigint not null
);

create table report (
  position bigint generated always as identity primary key,
  device_id text collate "C" not null,
  sequence bigint not null,
  rollout_id text collate "C" not null,
  received_at bigint not null,
  report jsonb not null,
  signed_body text not null,
  signature text not null,
  unique (device_id, sequence)
);
create index report_of_rollout on report (rollout_id, position);

create table release (
  ordinal bigint generated always as identity,
  release_id text collate "C" primary key,
  twin_release_id text collate "C",
  device_type text collate "C" not null,
  version text not null,
  release jsonb not null,
  withdrawn_at bigint,
  withdrawn_reason text,
  unique (device_type, version)
);

create table delta (
  to_digest text collate "C" not null,
  from_digest text collate "C" not null,
  format text collate "C" not null,
  digest text not null,
  bytes bigint not null,
  primary key (to_digest, from_digest, format)
);

create table decision (
  position bigint generated always as identity primary key,
  rollout_id text collate "C" not null,
  at bigint not null,
  input jsonb not null,
  decision jsonb not null
);
create index decision_of_rollout on decision (rollout_id, at, position);

create table evidence_latest (
  rollout_id text collate "C" primary key,
  as_of bigint not null,
  evidence jsonb not null
);

create table installation (
  key text collate "C" primary key,
  value text not null
);

create view policy_entry_document as
select revision, json_build_object('revision', revision, 'at', at, 'author', author, 'change', change) as document
from policy_log;

create view device_document as
select device_id, json_build_object(
  'deviceId', device_id,
  'publicKey', json_build_object('keyId', key_id, 'publicKey', public_key),
  'attributes', attributes,
  'registeredAt', registered_at,
  'status', json_build_object(
    'sequence', sequence, 'lastContactAt', last_contact_at, 'running', running, 'state', state
  )
) as document
from device;

create view ledger_row_document as
select position, device_id, json_build_object(
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
  'permitId', permit_id,
  'epoch', epoch,
  'grantedAt', granted_at,
  'permitLifeMs', permit_life_ms
) as document
from ledger;

create view ledger_outcome_document as
select o.position, o.rollout_id, json_strip_nulls(json_build_object(
  'position', o.position,
  'row', r.document,
  'firstContactAt', o.first_contact_at,
  'verifiedAt', o.verified_at,
  'revertedAt', o.reverted_at,
  'installFailedAt', o.install_failed_at,
  'crashedAt', o.crashed_at,
  'sensorFaultAt', o.sensor_fault_at
)) as document
from ledger_outcome o join ledger_row_document r using (position);

create view exposure_document as
select rollout_id, json_strip_nulls(json_build_object(
  'rolloutId', rollout_id,
  'waveIndex', wave_index,
  'waveStartedAt', wave_started_at,
  'pi', pi,
  'cap', cap,
  'granted', granted,
  'segments', (
    select coalesce(json_agg(json_build_object(
      'segment', s.segment, 'population', s.population, 'cap', s.cap, 'granted', s.granted
    ) order by s.ordinal, s.segment), '[]')
    from exposure_segment s where s.rollout_id = e.rollout_id
  ),
  'downloadsAllowed', downloads_allowed,
  'isComplete', is_complete,
  'holdReason', hold_reason
)) as document
from exposure e;

create view release_document as
select ordinal, release_id, twin_release_id, device_type, release || jsonb_strip_nulls(jsonb_build_object(
  'withdrawnAt', withdrawn_at, 'withdrawnReason', withdrawn_reason
)) as document
from release;
`;
