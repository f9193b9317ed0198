// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { StoreAwayError, type StoreAwayReason } from '@outrider/domain/decision/store-away';
import {
  codesOf,
  device,
  exposureOf,
  proposal,
  ROLLOUT,
  signedReport,
  startRollout,
} from '@outrider/testkit/contracts/store-fixtures';
import { useStore } from '@outrider/testkit/contracts/use-store';
import { Client } from 'pg';
import type { PostgresConnection } from './connection.ts';
import { execute, startPostgresForTests } from './postgres-for-tests.ts';
import { openPostgresStore } from './store.ts';

const server = await startPostgresForTests();
after(() => server.remove());

test('with no connection left the store says so, and one that it holds already goes on serving', async () => {
  const connection = await ownedBy('crowded', 3);
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 100));
      // Of the three that the role may have, the store holds one; somebody else takes the others.
      const others = [await connect(connection), await connect(connection)];
      const commits = await Promise.all(
        [1, 2, 3, 4, 5].map((number) => store.ledger.commitPermits([proposal(number)])),
      );
      assert.deepEqual(
        commits.flatMap(codesOf),
        Array.from({ length: 5 }, () => 'committed'),
      );
      await cut(connection, 'outrider schema %');
      others.push(await connect(connection));
      await away('connections-exhausted', () => store.ledger.commitPermits([proposal(6)]));
      for (const one of others) await one.end();
      await untilBack(() => store.ledger.commitPermits([proposal(6)]));
      assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, 6);
    },
  );
});

test('a store that takes no writes still reads the policy, and gives nothing out', async () => {
  const connection = await server.createDatabase();
  const { database } = connection;
  const store = await openPostgresStore({ connection });
  await startRollout(store, exposureOf(ROLLOUT, 100));
  await store.close();
  await useStore(
    () => openPostgresStore({ connection }),
    async (readOnly) => {
      await execute(connection, `alter database ${database} set default_transaction_read_only = on`);
      await cut(connection, 'outrider schema %');
      await untilBack(() => readOnly.exposures.loadExposures());
      await away('read-only', () => readOnly.ledger.commitPermits([proposal(1)]));
      await away('read-only', () => readOnly.reports.appendReports([signedReport(1, 'verified')]));
      await away('read-only', () => readOnly.registry.register([device(1)]));
      assert.equal((await readOnly.exposures.loadExposure(ROLLOUT))?.granted, 0);
    },
  );
});

test('a statement that takes longer than a device waits is slow by name, and later ones find the store again', async () => {
  const connection = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection, connectionsMax: 2 }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 100));
      const person = await connect(connection);
      await person.query('begin; lock table ledger in access exclusive mode');
      const askedAt = performance.now();
      // Two statements wait for the lock, on the two connections there are; the third waits for a connection.
      await Promise.all([1, 2, 3].map((number) => away('slow', () => store.ledger.commitPermits([proposal(number)]))));
      assert.ok(performance.now() - askedAt < 30_000, 'a device waits thirty seconds');
      await person.end();
      assert.deepEqual(codesOf(await untilBack(() => store.ledger.commitPermits([proposal(1)]))), ['committed']);
      const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
      assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, rows.length);
    },
  );
});

test('a full disk is named for what cannot be stored, all else goes on, and nothing acknowledged is lost', async () => {
  const connection = await server.createDatabase();
  const disk = await smallDisk(connection);
  try {
    await useStore(
      () => openPostgresStore({ connection }),
      async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 100));
        let acknowledged = 0;
        await away('disk-full', async () => {
          for (;;) {
            const sequences = Array.from({ length: 100 }, (_, index) => acknowledged + index + 1);
            await store.reports.appendReports(sequences.map((sequence) => signedReport(1, 'verified', { sequence })));
            acknowledged += sequences.length;
            await disk.afterBatch();
          }
        });
        assert.ok(acknowledged > 0, 'some were stored before the disk was full');
        assert.deepEqual(codesOf(await store.ledger.commitPermits([proposal(1)])), ['committed']);
        const page = { afterPosition: 0, limit: 1_000_000 };
        assert.equal((await store.reports.loadReports(ROLLOUT, page)).length, acknowledged);
        await disk.grow();
        const next = signedReport(1, 'reverted', { sequence: acknowledged + 1 });
        assert.deepEqual(await store.reports.appendReports([next]), ['counted']);
      },
    );
  } finally {
    await disk.remove();
  }
});

interface SmallDisk {
  afterBatch(): Promise<void>;
  grow(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Reports lie on a disk of a megabyte from now on. Where this process may mount one it is a real one; elsewhere PostgreSQL is
 * made to give the answer that it gives then.
 */
async function smallDisk(connection: PostgresConnection): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'outrider-small-disk-'));
  await chmod(folder, 0o755);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0777', 'tmpfs', folder]);
  } catch {
    // Not root, or in a container that mounts nothing.
    await rmdir(folder);
    return await refusingDisk(connection);
  }
  const owned = join(folder, 'owned');
  await mkdir(owned);
  await run('chown', [`--reference=${await clusterOf()}`, owned]);
  await execute(connection, `create tablespace small location '${owned}'`);
  await execute(connection, 'alter table report set tablespace small');
  return {
    afterBatch: async () => {},
    grow: async () => void (await run('mount', ['-o', 'remount,size=64m', folder])),
    async remove() {
      await execute(connection, 'alter table report set tablespace pg_default');
      await execute(connection, 'drop tablespace small');
      await run('umount', [folder]);
      await rmdir(folder);
    },
  };
}

async function refusingDisk(connection: PostgresConnection): Promise<SmallDisk> {
  await execute(
    connection,
    `create function full_disk() returns trigger language plpgsql as $$
    begin
      raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full';
    end
    $$`,
  );
  return {
    afterBatch: async () =>
      void (await execute(connection, 'create trigger full_disk before insert on report execute function full_disk()')),
    grow: async () => void (await execute(connection, 'drop trigger full_disk on report')),
    remove: async () => {},
  };
}

/** Whose owner runs PostgreSQL. */
async function clusterOf(): Promise<string> {
  const [row] = await execute(server.postgres.connection, `select current_setting('data_directory') as folder`);
  assert.ok(typeof row === 'object' && row !== null && 'folder' in row);
  return String(row.folder);
}

const run = promisify(execFile);

async function away(reason: StoreAwayReason, call: () => Promise<unknown>): Promise<void> {
  await assert.rejects(call, (cause: unknown) => {
    assert.ok(cause instanceof StoreAwayError, String(cause));
    assert.equal(cause.reason, reason);
    return true;
  });
}

/** The answer once the store is back; a connection that broke is noticed by the call that uses it. */
async function untilBack<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (cause) {
      if (!(cause instanceof StoreAwayError) || tries === 50) throw cause;
    }
  }
}

async function connect({ tls: _, ...connection }: PostgresConnection): Promise<Client> {
  const client = new Client(connection);
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Ends the connections of this name, as a restart of the database does. */
async function cut(connection: PostgresConnection, name: string): Promise<void> {
  const statement = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${connection.database}' and application_name like '${name}'`;
  await execute({ ...server.postgres.connection, database: 'postgres' }, statement);
}

/** A database of a role that may have so many connections. */
async function ownedBy(role: string, connections: number): Promise<PostgresConnection> {
  const connection = await server.createDatabase();
  const { database } = connection;
  const admin = { ...server.postgres.connection, database };
  await execute(admin, `create role ${role} login password 'for a test' connection limit ${connections}`);
  await execute(admin, `reassign owned by ${connection.user} to ${role}`).catch(() => {});
  await execute(admin, `grant all on all tables in schema public to ${role}; grant all on schema public to ${role}`);
  return { ...connection, user: role, password: 'for a test' };
}
