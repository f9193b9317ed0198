// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { fillStore, readStore, USED_FURTHER, useFurther } from '@outrider/testkit/contracts/store-content';
import { codesOf, exposureOf, proposal, ROLLOUT, startRollout } from '@outrider/testkit/contracts/store-fixtures';
import { useStore } from '@outrider/testkit/contracts/use-store';
import { Client } from 'pg';
import { delay } from '../../shared/delay.ts';
import type { PostgresConnection } from './connection.ts';
import { MIGRATIONS, type Migration, tablesOf } from './migrations.ts';
import { execute, startPostgresForTests } from './postgres-for-tests.ts';
import { migrate } from './schema.ts';
import { openPostgresStore } from './store.ts';
import { type CopySession, type TableShape, useCopySession } from './table-copy.ts';

const server = await startPostgresForTests();
after(() => server.remove());

/** A database in which everything has something, at the newest schema. */
const filled = await server.createDatabase();
await useStore(() => openPostgresStore({ connection: filled }), fillStore);

for (const [index, { name }] of MIGRATIONS.entries()) {
  const version = index + 1;
  test(`a database that was filled under schema ${name} holds the same after an upgrade, and goes on`, async () => {
    const upgraded = await emptyDatabase();
    await migrate(upgraded, { migrations: MIGRATIONS.slice(0, version) });
    await copyRows(filled, upgraded, version);
    await migrate(upgraded);
    await useStore(
      () => openPostgresStore({ connection: upgraded }),
      async (store) => {
        await useStore(
          () => openPostgresStore({ connection: filled }),
          async (original) => assert.deepEqual(await readStore(store), await readStore(original)),
        );
        assert.deepEqual(await useFurther(store), USED_FURTHER);
      },
    );
    // With data in it or without, by one step or by all: one schema comes of it, so one contract holds for all.
    assert.deepEqual(await structureOf(upgraded), await structureOf(await server.createDatabase()));
  });
}

test('every table is in a backup, unless triggers fill it, and stands behind those it refers to', async () => {
  const stored = tablesOf(MIGRATIONS, MIGRATIONS.length);
  const known = [...stored, ...MIGRATIONS.flatMap((one) => one.derives ?? []), 'schema_migration'];
  const tables = await execute(filled, `select relname as name from pg_class where relkind in ('r', 'p') and ${OURS}`);
  assert.deepEqual(known.toSorted(), tables.map(nameOf).toSorted());
  const references = await execute(
    filled,
    `select conrelid::regclass::text as name, confrelid::regclass::text as refers_to from pg_constraint where contype = 'f'`,
  );
  assert.ok(references.length > 0);
  for (const one of references) {
    assert.ok(typeof one === 'object' && one !== null && 'refers_to' in one);
    assert.ok(stored.indexOf(String(one.refers_to)) < stored.indexOf(nameOf(one)), `${nameOf(one)} comes later`);
  }
});

test('of four servers that start in the same second one applies each migration, and the others wait for it', async () => {
  const connection = await emptyDatabase();
  const slow = [...MIGRATIONS, expanding('select pg_sleep(0.5); create table added (number integer)')];
  const logged: string[] = [];
  const log = (code: string, message: string) => void logged.push(`${code} ${message}`);
  const stored = await Promise.all([1, 2, 3, 4].map(() => migrate(connection, { migrations: slow, log })));
  assert.deepEqual(new Set(stored.map((one) => one.version)), new Set([slow.length]));
  assert.equal(logged.filter((line) => line.startsWith('migrated')).length, slow.length);
  assert.ok(logged.some((line) => line.startsWith('migration-waits')));
});

test('a server goes on beside a newer one that has expanded the schema, and may be started again', async () => {
  const connection = await server.createDatabase();
  const newer = [...MIGRATIONS, EXPANDING];
  await useStore(
    () => openPostgresStore({ connection }),
    async (older) => {
      await startRollout(older, exposureOf(ROLLOUT, 10));
      assert.deepEqual(codesOf(await older.ledger.commitPermits([proposal(1)])), ['committed']);
      await useStore(
        () => openPostgresStore({ connection, migrations: newer }),
        async (store) => {
          assert.deepEqual(codesOf(await store.ledger.commitPermits([proposal(2)])), ['committed']);
          assert.deepEqual(codesOf(await older.ledger.commitPermits([proposal(3)])), ['committed']);
          const page = { afterPosition: 0, limit: 10 };
          assert.equal((await older.ledger.loadRows(ROLLOUT, page)).length, 3);
          assert.deepEqual(await older.ledger.loadRows(ROLLOUT, page), await store.ledger.loadRows(ROLLOUT, page));
        },
      );
    },
  );
  const logged: string[] = [];
  const log = (code: string) => void logged.push(code);
  await (await openPostgresStore({ connection, log })).close();
  assert.deepEqual(logged, ['schema-newer-compatible']);
});

test('what contracts the schema waits until the servers of the former version are stopped, and then keeps them out', async () => {
  const connection = await server.createDatabase();
  const newer = [...MIGRATIONS, CONTRACTING];
  const older = await openPostgresStore({ connection });
  await older.exposures.loadExposures();
  await assert.rejects(openPostgresStore({ connection, migrations: newer }), {
    code: 'schema-in-use',
    message: /stop those servers/,
  });
  assert.deepEqual(await older.exposures.loadExposures(), [], 'the refusal harmed nobody');
  // Its connections break, as in a restart of the database, and the newer server is faster.
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${connection.database}' and application_name like 'outrider schema %'`;
  await execute({ ...connection, database: 'postgres' }, cut);
  const store = await openPostgresStore({ connection, migrations: newer });
  await assert.rejects(
    untilConnected(() => older.exposures.loadExposures()),
    { code: 'store-away', reason: 'schema-newer' },
  );
  await assert.rejects(openPostgresStore({ connection }), { code: 'schema-newer' });
  await Promise.all([older.close(), store.close()]);
});

test('a database that has another text under the number of a migration is refused', async () => {
  const connection = await server.createDatabase();
  const edited = MIGRATIONS.with(2, { name: 'edited', sql: 'select 1', rule: 'contract', creates: [] });
  await assert.rejects(migrate(connection, { migrations: edited }), { code: 'migration-changed' });
  // Databases from before checksums say nothing, and are taken.
  await execute(connection, 'alter table schema_migration drop column checksum');
  await migrate(connection);
});

test('a migration that finds a table in use gives way to devices, and comes when it is free', async () => {
  const connection = await server.createDatabase();
  const person = await lockedBy(connection, 'lock table ledger in access share mode');
  let isDone = false;
  const migrated = migrate(connection, { migrations: [...MIGRATIONS, ALTERING] }).then(() => {
    isDone = true;
  });
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      const longest = { ms: 0 };
      for (let round = 0; round < 6; round++) {
        const askedAt = performance.now();
        await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 1 });
        longest.ms = Math.max(longest.ms, performance.now() - askedAt);
        await delay(300);
      }
      assert.equal(isDone, false);
      assert.ok(longest.ms < 4_000, `devices waited ${longest.ms} ms`);
    },
  );
  await person.end();
  await migrated;
});

function expanding(sql: string): Migration {
  return { name: 'expanding', sql, rule: 'expand', creates: [] };
}

/** What expanding means: a table, a column and a field of a document more, and a function that does what it did. */
const EXPANDING = expanding(`
create table note (number integer);
alter table ledger add column note text;
alter table device add column note text not null default '';
create or replace view exposure_document as
select rollout_id, json_strip_nulls(json_build_object(
  'rolloutId', rollout_id, 'waveIndex', wave_index, 'waveStartedAt', wave_started_at, 'pi', pi, 'cap', cap,
  'granted', granted,
  'segments', (
    select coalesce(json_agg(json_build_object(
      'segment', s.segment, 'population', s.population, 'cap', s.cap, 'granted', s.granted
    ) order by s.ordinal, s.segment), '[]')
    from exposure_segment s where s.rollout_id = e.rollout_id
  ),
  'downloadsAllowed', downloads_allowed, 'isComplete', is_complete, 'holdReason', hold_reason, 'note', 'more'
)) as document
from exposure e;
create or replace function enter_permit_gate() returns void language sql as $$
  select pg_advisory_xact_lock_shared(782311, 1)
$$;`);
const CONTRACTING: Migration = { ...expanding('alter table exposure rename to opened'), rule: 'contract' };
const ALTERING = expanding('alter table ledger add column later text');

let count = 0;

async function emptyDatabase(): Promise<PostgresConnection> {
  const database = `empty_${++count}`;
  await execute({ ...filled, database: 'postgres' }, `create database ${database}`);
  return { ...filled, database };
}

/** The rows of one database into another of an older schema: those columns that it has, as a server of its time wrote them. */
async function copyRows(from: PostgresConnection, to: PostgresConnection, version: number): Promise<void> {
  await useCopySession(from, 'snapshot', (source) =>
    useCopySession(to, 'load', async (target) => {
      for (const table of tablesOf(MIGRATIONS, version)) {
        // What a migration put in itself is in the original too.
        const [row] = await target.query(`select exists (select from ${table}) as has_seed`);
        if (row?.has_seed === true) await target.query(`delete from ${table}`);
        await copyTable(source, target, await target.shapeOf(table));
        await target.query(`select setval(pg_get_serial_sequence('${table}', a.attname), 1000)
          from pg_attribute a where attrelid = '${table}'::regclass and attidentity <> ''`);
      }
    }),
  );
}

async function copyTable(source: CopySession, target: CopySession, table: TableShape): Promise<void> {
  await target.copyIn(table, source.copyOut(table).chunks);
}

const OURS = `relnamespace = 'public'::regnamespace`;

/** Tables, columns, keys, indexes, triggers, views and functions, as PostgreSQL itself writes them down. */
async function structureOf(connection: PostgresConnection): Promise<readonly unknown[]> {
  return await execute(
    connection,
    `select 'column ' || attrelid::regclass || '.' || attname as what, format_type(atttypid, atttypmod)
       || attnotnull::text || attidentity::text || attgenerated::text || coalesce(pg_get_expr(adbin, adrelid), '') as text
     from pg_attribute join pg_class on oid = attrelid left join pg_attrdef on adrelid = attrelid and adnum = attnum
     where ${OURS} and relkind in ('r', 'v') and attnum > 0 and not attisdropped
     union all select 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
     from pg_constraint where connamespace = 'public'::regnamespace
     union all select 'index ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
     from pg_index join pg_class on oid = indexrelid where ${OURS}
     union all select 'trigger ' || tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
     from pg_trigger where not tgisinternal
     union all select 'view ' || oid::regclass, pg_get_viewdef(oid) from pg_class where ${OURS} and relkind = 'v'
     union all select 'function ' || oid::regprocedure, pg_get_functiondef(oid)
     from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
     order by 1`,
  );
}

function nameOf(row: unknown): string {
  assert.ok(typeof row === 'object' && row !== null && 'name' in row && typeof row.name === 'string');
  return row.name;
}

/** A connection of somebody's own that holds a lock until it ends. */
async function lockedBy({ tls: _, ...connection }: PostgresConnection, statement: string): Promise<Client> {
  const client = new Client(connection);
  await client.connect();
  await client.query('begin');
  await client.query(statement);
  return client;
}

/** A broken connection is noticed by the query that uses it; what the next one says counts. */
async function untilConnected<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (cause) {
      if (!(cause instanceof StoreAwayError) || cause.reason === 'schema-newer') throw cause;
      await delay(20);
    }
  }
}
