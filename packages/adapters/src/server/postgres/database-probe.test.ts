// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chown, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';
import { certificateForTests } from './certificate-for-tests.ts';
import type { PostgresConnection } from './connection.ts';
import { connectionFromUrl } from './connection.ts';
import { type DatabaseFaultCode, DatabaseFaultError, fitnessFault } from './database-fault.ts';
import { probeDatabase, verifyDatabase } from './database-probe.ts';
import { type PostgresForTests, startPostgresForTests } from './postgres-for-tests.ts';

let postgres: PostgresForTests;
let good: PostgresConnection;
let cluster: string;

before(async () => {
  postgres = await startPostgresForTests();
  good = postgres.postgres.connection;
  cluster = String((await sql('show data_directory'))[0]?.data_directory);
  await sql(`create role fleet login password 'open sesame'`);
  await sql(`create role writer login password 'open sesame'`);
  await sql('alter role writer set default_transaction_read_only = on');
});

after(() => postgres.remove());

test('a database that can serve says its version, its clock and how many connections are left', async () => {
  const facts = await probeDatabase(good);
  assert.ok(facts.ok);
  const seen = facts.value;
  assert.equal(Math.floor(seen.versionNumber / 10_000), 18);
  assert.equal(seen.schema?.version, (await sql('select max(version) as v from schema_migration'))[0]?.v);
  assert.ok(Math.abs(seen.clockAheadMs) < 1_000, `${seen.clockAheadMs} ms`);
  assert.equal(seen.connectionsMax, 40);
  assert.ok(seen.connectionsUsed >= 1 && seen.connectionsUsed < 40);
  assert.equal(fitnessFault(good, seen), undefined);
});

test('nobody at the address is one sentence with the address', async () => {
  await refusedAs('database-away', { port: 1 }, /at 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/);
  await refusedAs('database-away', { host: 'no-such-host.invalid' }, /no-such-host\.invalid:\d+ cannot be reached/);
});

test('a wrong password, an unknown user and a missing password are one name', async () => {
  const wrong = { user: 'fleet', password: 'open-barley-7' };
  await refusedAs('database-login-refused', wrong, /refuses user "fleet" \(wrong password\)/);
  await refusedAs('database-login-refused', { user: 'nobody-here', password: 'x' }, /refuses user "nobody-here"/);
  await refusedAs('database-login-refused', { user: 'fleet', password: '' }, /no password was given/);
});

test('a database that does not exist says how to make it', async () => {
  await refusedAs('database-missing', { database: 'elsewhere' }, /no database "elsewhere".*createdb/);
});

test('a user that may not create tables, or not connect at all, is told which right is missing', async () => {
  const fleet = { user: 'fleet', password: 'open sesame' };
  await refusedAs('database-rights-missing', fleet, /The user "fleet" may not create tables/);
  const closed = (await postgres.createDatabase()).database;
  await sql(`revoke connect on database ${closed} from public`);
  await refusedAs('database-rights-missing', { ...fleet, database: closed }, /The user "fleet" may not/);
});

test('a user whose transactions are read-only is told so', async () => {
  await refusedAs('database-read-only', { user: 'writer', password: 'open sesame' }, /takes no writes/);
});

test('a database whose connections are all taken is away, with what to raise', async () => {
  await sql('alter role fleet connection limit 0');
  await refusedAs('database-away', { user: 'fleet', password: 'open sesame' }, /no connection left/);
  await sql('alter role fleet connection limit -1');
});

test('encryption that is asked for and not offered is refused by name', async () => {
  await refusedAs('database-tls-refused', { tls: 'verified' }, /offers no encryption/);
});

test('encryption that is needed, unknown authorities and a trusted one each end as they should', async () => {
  const { keyPem, certificatePem } = certificateForTests();
  await writeOwned('server.key', keyPem, 0o600);
  await writeOwned('server.crt', certificatePem, 0o600);
  const rules = await readFile(join(cluster, 'pg_hba.conf'), 'utf8');
  // The owner's own session must still get in after the test.
  await writeOwned(
    'pg_hba.conf',
    `hostssl all fleet all scram-sha-256\nhostnossl all fleet all reject\n${rules}`,
    0o600,
  );
  await sql('alter system set ssl = on');
  await sql('select pg_reload_conf()');
  const fleet = { user: 'fleet', password: 'open sesame' };
  for (let tries = 0; !(await probeDatabase({ ...good, tls: 'encrypted' })).ok; tries++) assert.ok(tries < 100);
  await refusedAs('database-tls-needed', fleet, /without encryption; add \?sslmode=verify-full/);
  await refusedAs(
    'database-tls-untrusted',
    { ...fleet, tls: 'verified' },
    /is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  );
  const absent = { ...fleet, tls: 'verified', tlsRootFile: join(cluster, 'none.crt') } as const;
  await refusedAs('database-tls-untrusted', absent, /none\.crt that sslrootcert names cannot be read/);
  const trusted = await probeDatabase({ ...good, tls: 'verified', tlsRootFile: join(cluster, 'server.crt') });
  assert.ok(trusted.ok, JSON.stringify(trusted));
  assert.equal(trusted.value.isEncrypted, true);
  const unchecked = await probeDatabase({ ...good, tls: 'encrypted' });
  assert.ok(unchecked.ok && unchecked.value.isEncrypted);
});

test('a PostgreSQL older than 15 is refused by its number', () => {
  const old = { versionNumber: 140_013, isStandby: false, isReadOnly: false, mayCreateTables: true };
  const fault = fitnessFault(good, old);
  assert.equal(fault?.code, 'database-too-old');
  assert.match(String(fault?.detail), /is PostgreSQL 14, allowed is 15 or newer/);
  assert.equal(fitnessFault(good, { ...old, versionNumber: 150_000 }), undefined);
});

test('a standby is refused: nothing could be written there', async () => {
  await postgres.postgres.stop();
  await writeOwned('standby.signal', '', 0o600);
  // It may not be owned by a server, as nothing can be written; the last start of the test's cleaning up needs it whole.
  const standby = await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, log: () => {} });
  try {
    await assert.rejects(
      verifyDatabase(standby.connection),
      (cause: unknown) => cause instanceof DatabaseFaultError && /read-only standby/.test(cause.message),
    );
  } finally {
    await standby.stop();
  }
});

test('a database URL says where a socket lies, and a parameter that is unknown is not passed over', () => {
  const socket = connectionFromUrl('postgres:///outrider?host=/var/run/postgresql&user=fleet');
  assert.deepEqual([socket.host, socket.user, socket.database], ['/var/run/postgresql', 'fleet', 'outrider']);
  const refused = ['?sslmod=require', '?sslmode=prefer', '?sslrootcert=/ca.pem', '?sslmode=toString'];
  for (const end of refused) {
    assert.throws(
      () => connectionFromUrl(`postgres://u:open%20sesame@h/d${end}`),
      (cause: unknown) => cause instanceof Error && !/sesame/.test(cause.message),
      end,
    );
  }
  assert.throws(() => connectionFromUrl('postgres://u:100%@h/d'), /a % that encodes nothing/);
});

async function refusedAs(code: DatabaseFaultCode, change: Partial<PostgresConnection>, sentence: RegExp) {
  const connection = { ...good, ...change };
  await assert.rejects(verifyDatabase(connection), (cause: unknown) => {
    assert.ok(cause instanceof DatabaseFaultError, String(cause));
    assert.equal(cause.code, code, cause.message);
    assert.match(cause.message, sentence);
    if (connection.password !== '') assert.ok(!cause.message.includes(connection.password), cause.message);
    return true;
  });
}

async function sql(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { tls: _, ...address } = good;
  const client = new Client(address);
  await client.connect();
  try {
    const { rows } = await client.query(statement);
    return rows ?? [];
  } finally {
    await client.end();
  }
}

/** A file in the cluster's folder that PostgreSQL's own user may read. */
async function writeOwned(name: string, content: string, mode: number): Promise<void> {
  const { uid, gid } = await stat(cluster);
  const path = join(cluster, name);
  await writeFile(path, content, { mode });
  await chown(path, uid, gid);
}
