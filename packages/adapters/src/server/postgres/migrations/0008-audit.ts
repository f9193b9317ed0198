// SPDX-License-Identifier: Apache-2.0

/**
 * The audit log: a chain in which each entry carries the digest of the one before. The text is what is hashed, so it is
 * kept as it was written; the columns for lists follow from it and cannot be changed apart from it. The head is the row that
 * makes one chain of what several servers append, and says how far the policy log has been brought in: servers of the
 * former version append there and not here.
 */
export const AUDIT = `
create table audit_head (
  is_only boolean primary key default true check (is_only),
  sequence bigint not null,
  digest text not null,
  revision bigint not null
);
insert into audit_head (sequence, digest, revision) values (0, repeat('0', 64), 0);

create table audit_log (
  sequence bigint primary key,
  entry text not null,
  digest text not null,
  at bigint generated always as (((entry::jsonb) ->> 'at')::bigint) stored,
  actor text collate "C" generated always as ((entry::jsonb) ->> 'actor') stored,
  action text collate "C" generated always as ((entry::jsonb) ->> 'action') stored,
  subject text collate "C" generated always as ((entry::jsonb) ->> 'subject') stored
);
create index audit_log_of_action on audit_log (action, subject);

create trigger append_only before update or delete or truncate on audit_log execute function refuse_change();
`;
