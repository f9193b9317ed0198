// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseQuery } from '@outrider/domain/gateway/query-parse';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { openDatabase } from './pool.ts';
import { startPostgresForTests } from './postgres-for-tests.ts';
import { openPostgresStore } from './store.ts';

const server = await startPostgresForTests();
const connection = await server.createDatabase();
const store = await openPostgresStore({ connection });
const database = openDatabase(connection, { purpose: 'test', connectionsMax: 1 });
after(async () => {
  await store.close();
  await database.close();
  await server.remove();
});

const NOW = fleetInstant(1_800_000_000_000);

/** Every fifteenth device is of another revision, and each of those runs a version of its own. */
const FILL = `
insert into device (device_id, key_id, public_key, attributes, registered_at, sequence, last_contact_at, running, state)
select 'cam-' || lpad(n::text, 6, '0'), encode(sha256(int8send(n)), 'hex'), encode(sha256(int8send(-n)), 'base64'),
  jsonb_build_object('deviceType', 'camera', 'model', 'm1', 'hardwareId', case when n % 15 = 0 then 'rev-b' else 'rev-a' end,
    'region', 'r1', 'customer', 'c1', 'carrier', 'wire', 'tags', '[]'::jsonb),
  1790000000000, 1, 1800000000000,
  jsonb_build_object('version', case when n % 15 = 0 then '1.' || n || '.0' else '2.0.0' end, 'releaseCounter', 1,
    'components', jsonb_build_array(jsonb_build_object('name', 'main', 'digest', encode(sha256(int8send(n)), 'hex')))),
  'idle'
from generate_series(1, 25000) n`;
await database.query(FILL);
await database.query('vacuum analyze device');

async function pageOf(where: string, afterId: string | undefined, limit: number): Promise<readonly string[]> {
  const query = parseQuery(where);
  assert.ok(query.ok);
  // Ids of this test.
  const page = { limit, now: NOW, ...(afterId === undefined ? {} : { after: afterId as DeviceId }) };
  return (await store.finder.findDevices(query.value, page)).map(({ record }) => record.deviceId);
}

/** What stands in the table itself, without any of our ways to it. */
async function expected(
  afterId: string | undefined,
  limit: number,
  hardwareIds: readonly string[] = ['rev-b'],
): Promise<readonly unknown[]> {
  const statement = `select device_id from device
    where attributes ->> 'hardwareId' = any ($3) and device_id > $1 order by device_id limit $2`;
  return (await database.query(statement, [afterId ?? '', limit, hardwareIds])).map((row) => row.device_id);
}

async function assertPages(): Promise<void> {
  // A walk finds the first two; the others ask the profiles that begin first, or all.
  for (const limit of [100, 700, 1_000]) {
    for (const afterId of [undefined, 'cam-012345', 'cam-024900', 'dam']) {
      assert.deepEqual(await pageOf('hardware = rev-b', afterId, limit), await expected(afterId, limit));
    }
  }
}

async function assertBounds(): Promise<void> {
  const [row] = await database.query(`
    select count(*) as wrong from device d left join device_profile p using (profile)
    where (p.first_id <= d.device_id and d.device_id <= p.last_id) is not true`);
  assert.equal(Number(row?.wrong), 0);
}

test('a page of a rare combination in many profiles is the one that the table itself gives, from every place', async () => {
  await assertBounds();
  await assertPages();
});

test('the bounds of a profile hold while devices move to and fro, also when as many come as leave', async () => {
  // Pairs exchange their versions: the counts of all profiles stand.
  await database.query(`
    update device d set running = o.running from device o
    where d.attributes ->> 'hardwareId' = 'rev-b' and o.attributes ->> 'hardwareId' = 'rev-b'
      and substr(o.device_id, 5)::integer = 24990 - substr(d.device_id, 5)::integer`);
  await assertBounds();
  await assertPages();
  await database.query(`update device set state = 'failed' where substr(device_id, 5)::integer % 30 = 0`);
  await assertBounds();
  await assertPages();
});

test('bounds that nobody knows bound nothing', async () => {
  await database.query('update device_profile set first_id = null, last_id = null where release_counter = 1');
  await assertPages();
});

test('a page of nearly everyone in more profiles than are handed over is the one of the table too', async () => {
  // Between the others, and each with a version of its own.
  const many = FILL.replace("lpad(n::text, 6, '0')", "lpad((3 * n)::text, 6, '0') || '-x'")
    .replaceAll('n % 15 = 0', 'true')
    .replace("'rev-b'", "'rev-c'")
    .replace('generate_series(1, 25000)', 'generate_series(1, 7000)');
  await database.query(many.replaceAll('int8send(n)', 'int8send(1000000 + n)'));
  await database.query('vacuum analyze device');
  for (const afterId of [undefined, 'cam-012345', 'cam-020990', 'dam']) {
    const wanted = await expected(afterId, 100, ['rev-a', 'rev-c']);
    assert.deepEqual(await pageOf('hardware = rev-a or hardware = rev-c', afterId, 100), wanted);
  }
});
