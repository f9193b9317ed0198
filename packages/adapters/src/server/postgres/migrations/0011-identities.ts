// SPDX-License-Identifier: Apache-2.0

/**
 * Tokens to register with, by the digests of their texts, and the certificates that devices were given. A key belongs to one
 * device: registrations look it up, one batch at a time.
 */
export const IDENTITIES = `
create table registration_token (
  digest text primary key,
  device_id text collate "C",
  uses_max integer not null check (uses_max > 0),
  uses integer not null check (uses between 0 and uses_max),
  created_at bigint not null,
  created_by text not null,
  expires_at bigint not null
);
create index registration_token_of_time on registration_token (created_at);

create table device_certificate (
  serial text primary key,
  device_id text collate "C" not null,
  key_id text not null,
  not_before bigint not null,
  not_after bigint not null
);
create index device_certificate_of_device on device_certificate (device_id, not_before);

create index device_of_key on device (key_id);
`;
