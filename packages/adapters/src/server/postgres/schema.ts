// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { delay } from '../../shared/delay.ts';
import type { PostgresConnection } from './connection.ts';
import { isLockTimeout, SchemaError, SchemaNewerError } from './errors.ts';
import { compatibleFromOf, MIGRATIONS, type Migration, type StoredSchema, standingOf } from './migrations.ts';
import { type Database, openDatabase, type Row } from './pool.ts';
import { numberOf } from './row.ts';

export interface MigrateOptions {
  /** What this program knows; another list than the shipped one in tests alone. */
  readonly migrations?: readonly Migration[];
  /** Told what is applied, and when another server is waited for. */
  readonly log?: SchemaLog;
}

export type SchemaLog = (code: 'migrated' | 'migration-waits' | 'schema-newer-compatible', message: string) => void;

/**
 * Brings the database to the schema of this program, one migration a transaction, and answers with what it then holds.
 * Servers that start at once wait for each other, and each migration is applied by one of them. Throws SchemaNewerError,
 * SchemaError, StoreAwayError.
 */
export async function migrate(connection: PostgresConnection, options: MigrateOptions = {}): Promise<StoredSchema> {
  const { migrations = MIGRATIONS, log = () => {} } = options;
  const database = openDatabase(connection, { purpose: 'migration', connectionsMax: 1, statementMs: MIGRATION_MS });
  try {
    for (let tries = 1; ; ) {
      const outcome = await step(database, migrations, log);
      if (outcome.kind === 'done') return outcome.stored;
      if (outcome.kind === 'applied') {
        log('migrated', `The database has schema ${outcome.version} now (${outcome.name})`);
        tries = 1;
        continue;
      }
      if (tries === LOCK_TRIES) throw lockedFor(outcome.name, outcome.cause);
      await delay(LOCK_PAUSE_MS);
      tries++;
    }
  } finally {
    await database.close();
  }
}

/** A table of some hundred million rows is written anew in less; a server that starts waits as long for another one. */
const MIGRATION_MS = 3_600_000;
/**
 * A change of a table waits behind the statements that use it, and all later ones wait behind it: it gives way before
 * devices notice, and comes again.
 */
const LOCK_MS = 2_000;
const LOCK_PAUSE_MS = 1_000;
/** A minute and a half: longer than the longest statement of a server. */
const LOCK_TRIES = 30;

type Step =
  | { readonly kind: 'done'; readonly stored: StoredSchema }
  | { readonly kind: 'applied'; readonly version: number; readonly name: string }
  | { readonly kind: 'locked'; readonly name: string; readonly cause: unknown };

async function step(database: Database, migrations: readonly Migration[], log: SchemaLog): Promise<Step> {
  return await database.transaction(async (query): Promise<Step> => {
    const [gate] = await query('select pg_try_advisory_xact_lock(782311, 0) as is_mine');
    if (gate?.is_mine !== true) {
      log('migration-waits', 'Another server migrates the database; this one waits for it');
      await query('select pg_advisory_xact_lock(782311, 0)');
    }
    const applied = await loadApplied(query);
    const stored = storedSchemaOf(applied);
    const standing = standingOf(stored, migrations.length);
    if (standing === 'newer') throw new SchemaNewerError(stored.version, migrations.length);
    refuseChanged(applied, migrations);
    if (standing === 'newer-compatible') {
      const detail = `The database has schema ${stored.version}; this program knows ${migrations.length} and works beside it`;
      log('schema-newer-compatible', detail);
    }
    const next = migrations[stored.version];
    if (next === undefined) return { kind: 'done', stored };
    const version = stored.version + 1;
    await query('savepoint before_migration');
    try {
      await query(`set local lock_timeout = ${LOCK_MS}`);
      await applyMigration(query, migrations, version);
    } catch (cause) {
      if (!isLockTimeout(cause)) throw cause;
      await query('rollback to savepoint before_migration');
      return { kind: 'locked', name: next.name, cause };
    }
    return { kind: 'applied', version, name: next.name };
  });
}

/** Applies one migration inside a transaction of the caller's, after all before it. Throws SchemaError: schema-in-use. */
export async function applyMigration(
  query: Database['query'],
  migrations: readonly Migration[],
  version: number,
): Promise<void> {
  const migration = migrations[version - 1];
  if (migration === undefined) throw new Error(`There is no migration ${version}`);
  await query(CREATE_LOG);
  if (migration.rule === 'contract') {
    // Whoever connects reads this table first: none slips in between this look and the commit.
    await query('lock table schema_migration in access exclusive mode');
    await refuseRunning(query, version);
  }
  await query(migration.sql);
  await query('insert into schema_migration (version, checksum, compatible_from) values ($1, $2, $3)', [
    version,
    checksumOf(migration),
    compatibleFromOf(migrations, version),
  ]);
}

/** The table as of the first program, and what was added to it since. */
const CREATE_LOG = `
create table if not exists schema_migration (version integer primary key, at timestamptz not null default now());
alter table schema_migration
  add column if not exists checksum text,
  add column if not exists compatible_from integer;
`;

/** What the database says about its schema, inside or outside a transaction. */
export async function loadSchema(query: Database['query']): Promise<StoredSchema> {
  return storedSchemaOf(await loadApplied(query));
}

async function loadApplied(query: Database['query']): Promise<readonly Row[]> {
  const [found] = await query(`select to_regclass('schema_migration') is not null as is_there`);
  if (found?.is_there !== true) return [];
  // As JSON: a database that a program from before checksums has made lacks the columns.
  return await query(`
    select version, to_jsonb(m) ->> 'checksum' as checksum, (to_jsonb(m) ->> 'compatible_from')::integer as compatible_from
    from schema_migration m order by version`);
}

function storedSchemaOf(applied: readonly Row[]): StoredSchema {
  const newest = applied.at(-1);
  if (newest === undefined) return { version: 0, compatibleFrom: 0 };
  const version = numberOf(newest, 'version');
  // Written by a program from before the rule: nothing else can work with it.
  return { version, compatibleFrom: newest.compatible_from === null ? version : numberOf(newest, 'compatible_from') };
}

/** SHA-256 of a migration's text, in hexadecimal. */
export function checksumOf({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex');
}

/** What was applied is what this program has under the same number, or nothing can be said about the database. */
function refuseChanged(applied: readonly Row[], migrations: readonly Migration[]): void {
  for (const [index, row] of applied.entries()) {
    const known = migrations[index];
    if (known === undefined || row.checksum === null || row.checksum === checksumOf(known)) continue;
    const detail = `The migration ${known.name} was applied to this database with another text than this program has: use the program that made the database, or restore a backup`;
    throw new SchemaError('migration-changed', detail);
  }
}

/** Servers say in the name of each connection what they know (see `pool.ts`); the first ones said nothing and knew five. */
async function refuseRunning(query: Database['query'], version: number): Promise<void> {
  const [row] = await query(
    `select count(distinct (client_addr, pid)) as connections, string_agg(distinct coalesce(host(client_addr), 'this machine'), ', ') as hosts
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
       and case
         when application_name ~ $2 then split_part(application_name, ' ', 3)::integer < $1
         else application_name = 'outrider'
       end`,
    [version, '^outrider schema [0-9]+$'],
  );
  const connections = row === undefined ? 0 : numberOf(row, 'connections');
  if (connections === 0) return;
  const detail = `The migration ${version} changes what servers of the former version use, and ${connections} of their connections are open (from ${String(row?.hosts)}): stop those servers, then start this one again`;
  throw new SchemaError('schema-in-use', detail);
}

function lockedFor(name: string, cause: unknown): SchemaError {
  const detail = `The migration ${name} found a table locked ${LOCK_TRIES} times: end what holds it (see pg_stat_activity), then start again`;
  return new SchemaError('schema-locked', detail, cause);
}
