// SPDX-License-Identifier: Apache-2.0
import { SchemaNewerError } from './errors.ts';
import { TABLES } from './migrations/0001-tables.ts';
import { APPEND_ONLY } from './migrations/0002-append-only.ts';
import { PERMITS } from './migrations/0003-permits.ts';
import { EVIDENCE } from './migrations/0004-evidence.ts';
import { LATER_CONTACTS } from './migrations/0005-later-contacts.ts';
import type { Database } from './pool.ts';
import { numberOf } from './row.ts';

/** Numbered from one, forward only: what has shipped is never edited, a change is a further one. */
const MIGRATIONS: readonly string[] = [TABLES, APPEND_ONLY, PERMITS, EVIDENCE, LATER_CONTACTS];

/** Brings the database to the schema of this program. Servers that start at once wait for each other. */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (query) => {
    await query('select pg_advisory_xact_lock(782311, 0)');
    await query(
      'create table if not exists schema_migration (version integer primary key, at timestamptz not null default now())',
    );
    const [row] = await query('select coalesce(max(version), 0) as version from schema_migration');
    const stored = row === undefined ? 0 : numberOf(row, 'version');
    if (stored > MIGRATIONS.length) throw new SchemaNewerError(stored, MIGRATIONS.length);
    for (const [index, migration] of MIGRATIONS.entries()) {
      const version = index + 1;
      if (version <= stored) continue;
      await query(migration);
      await query('insert into schema_migration (version) values ($1)', [version]);
    }
  });
}
