// SPDX-License-Identifier: Apache-2.0

/** What was written stays: the database itself refuses to change it, whoever asks. */
export const APPEND_ONLY = `
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'The table % is append-only: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation';
end
$$;

create trigger append_only before update or delete or truncate on policy_log execute function refuse_change();
create trigger append_only before update or delete or truncate on ledger execute function refuse_change();
create trigger append_only before update or delete or truncate on report execute function refuse_change();
create trigger append_only before update or delete or truncate on decision execute function refuse_change();
create trigger append_only before update or delete or truncate on delta execute function refuse_change();

-- A release is withdrawn by a mark beside it, and never deleted.
create trigger never_deleted before delete or truncate on release execute function refuse_change();
create trigger immutable before update on release for each row
  when (old.release_id <> new.release_id or old.release <> new.release or old.withdrawn_at is not null)
  execute function refuse_change();
`;
