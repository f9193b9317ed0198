// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { databasesForTests, execute } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { serverStoreContract } from '@outrider/testkit/contracts/server-store';
import { checkoutRoot } from '../scripts/gates.ts';
import { startCluster } from './postgresql/cluster.ts';
import { fromDebian } from './postgresql/debian-packages.ts';
import { bareEnvironment, type Place } from './way/programs.ts';
import { shipARelease } from './way/ship-a-release.ts';

/** The oldest PostgreSQL that is worked with, as Debian 12 ships it. */
const WANTED = { name: 'postgresql-15', version: '15.20-0+deb12u1', series: '15.' } as const;

const debian = await fromDebian(WANTED);
const cluster = await startCluster(debian);
after(() => cluster.remove());
const model = await createDatabase('model');
const emptyDatabase = await databasesForTests(model);

/** A database of the cluster's first user. */
async function createDatabase(name: string): Promise<PostgresConnection> {
  await execute(cluster.connection, `create database ${name}`);
  return { ...cluster.connection, database: name };
}

test('the PostgreSQL that answers is the one that was fetched', (t) => {
  if (debian.version !== WANTED.version) t.diagnostic(`${WANTED.version} is gone, ${debian.version} was taken`);
  assert.match(cluster.version, /^15\./);
  assert.ok(debian.version.startsWith(cluster.version.split(' ')[0] ?? '-'), `${cluster.version}, ${debian.version}`);
});

// Before the contract: with a hundred databases its recovery has a hundred times the files to sync.
test('an open store finds the database again after a crash, with all that was acknowledged', async () => {
  const store = await openPostgresStore({ connection: await emptyDatabase() });
  after(() => store.close());
  await store.installation.storeSetting('kept', 'yes');
  await cluster.crash();
  assert.equal(await untilBack(() => store.installation.loadSetting('kept')), 'yes');
});

serverStoreContract("Debian's PostgreSQL 15", async () => openPostgresStore({ connection: await emptyDatabase() }));

test('a release is shipped by a server whose DATABASE_URL names a database that is all it may touch', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'outrider database url '));
  chmodSync(folder, 0o700);
  after(() => rmSync(folder, { recursive: true }));
  const connection = await createOwnDatabase();
  const root = checkoutRoot();
  const environment = {
    ...bareEnvironment(process.env.PATH ?? ''),
    DATABASE_URL: urlOf(connection),
    OUTRIDER_ROOT: root,
  };
  const place: Place = { folder, environment, wrapper: [] };
  const program = (app: string): readonly string[] => [process.execPath, join(root, 'apps', app, 'src', 'main.ts')];
  await shipARelease(place, {
    outrider: program('cli'),
    server: [...program('cli'), 'up', '--data', 'data', '--port', '0'],
    agent: program('agent'),
  });
  assert.equal(existsSync(join(folder, 'data', 'postgres.json')), false, 'no PostgreSQL of its own was started');
  assert.doesNotMatch(readFileSync(join(folder, 'data', 'server.log'), 'utf8'), new RegExp(OWNER.secret));
  const [row] = await execute(connection, 'select count(*)::int as permits from ledger');
  assert.deepEqual(row, { permits: 1 });
});

async function untilBack<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (cause) {
      if (!(cause instanceof StoreAwayError) || tries === TRIES_MAX) throw cause;
      await elapse(TRY_AGAIN_MS);
    }
  }
}

/** It is up again already when this begins; a store that does not come back in ten seconds does not come back. */
const TRIES_MAX = 100;
const TRY_AGAIN_MS = 100;

/** A role as a careful person makes one: it owns one database, and is nobody elsewhere. */
const OWNER = { name: 'the fleet', secret: 'S3cret' } as const;

async function createOwnDatabase(): Promise<PostgresConnection> {
  const password = `${OWNER.secret}/@:%`;
  await execute(cluster.connection, `create role "${OWNER.name}" login password '${password}'`);
  await execute(cluster.connection, `create database fleet owner "${OWNER.name}"`);
  return { ...cluster.connection, user: OWNER.name, password, database: 'fleet' };
}

function urlOf({ host, port, user, password, database }: PostgresConnection): string {
  const [name, secret] = [user, password].map(encodeURIComponent);
  return `postgres://${name}:${secret}@${host}:${port}/${database}`;
}
