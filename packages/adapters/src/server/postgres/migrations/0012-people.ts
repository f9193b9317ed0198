// SPDX-License-Identifier: Apache-2.0

/**
 * People: tokens of programs that act for them, sessions at a browser, and who is shut out. Of secrets only digests stand here. What
 * changes with use lies beside the document, so that it is never written anew.
 */
export const PEOPLE = `
create table service_token (
  token_id text collate "C" primary key,
  name text collate "C" not null,
  document text not null,
  created_at bigint not null,
  revoked_at bigint,
  last_used_at bigint
);
create unique index service_token_in_force on service_token (name) where revoked_at is null;

create table person_session (
  digest text collate "C" primary key,
  person_id text collate "C" not null,
  document text not null,
  began_at bigint not null,
  last_used_at bigint not null
);
create index person_session_of_person on person_session (person_id);

create table person (
  person_id text collate "C" primary key,
  name text not null,
  first_seen bigint not null,
  last_seen bigint not null,
  blocked text
);
`;
