// SPDX-License-Identifier: Apache-2.0

/** Which server decides, in one row. By the clock of the database: the servers' own may differ. In no backup: it lives seconds. */
export const DECISION_LEASE = `
create table decision_lease (
  only_row boolean primary key default true check (only_row),
  holder text not null,
  term bigint not null,
  ends_at timestamptz not null
);
`;
