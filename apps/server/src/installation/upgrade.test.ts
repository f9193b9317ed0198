// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MIGRATIONS, type Migration } from '@outrider/adapters/server/postgres/migrations';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import {
  HARDWARE_IDS,
  manifestOf,
  planOf,
  type Rehearsal,
  rehearse,
  SOON,
  signed,
  startRollout,
} from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, type Send } from '../rehearsed-device.ts';

const postgres = await startPostgresForTests();
after(() => postgres.remove());

/** What a later version could add without harm: the server of today knows nothing of it. */
const LATER: Migration = {
  name: '9999-later',
  sql: `
    create table later (device_id text primary key);
    alter table device add column later text;
    alter table ledger add column later text not null default 'unknown';
    alter table report add column later jsonb;
    create index report_later on report (device_id, received_at);`,
  rule: 'expand',
  creates: ['later'],
};

const DEVICES = 40;

test('while a fleet goes over from the former server to a newer one, nothing is refused and nothing is lost', async () => {
  const connection = await postgres.createDatabase();
  const blobs = memoryBlobs();
  const olderStore = await openPostgresStore({ connection });
  const older = rehearse({ store: olderStore, blobs, schedule: SOON });
  const { former, newer } = await publish(older);
  const acknowledged: string[] = [];
  let turn = 0;
  let servers: readonly Rehearsal[] = [older];
  const send: Send = async (request) => {
    const server = servers[turn++ % servers.length];
    assert.ok(server !== undefined);
    const { status, body } = await server.server.handleDevice(request);
    assert.ok(status === 200 || status === 201, `${request.path}: ${status} ${String(body)}`);
    if (/"kind":"permit"|"result":"counted"/.test(String(body))) acknowledged.push(request.path);
    return { status, body: String(body) };
  };
  const devices = Array.from({ length: DEVICES }, (_, number) => camera(number, former, send));
  for (const one of devices.slice(0, DEVICES / 2)) await one.register();
  const plan = planOf(newer);

  const newerStore = await openPostgresStore({ connection, migrations: [...MIGRATIONS, LATER] });
  servers = [older, rehearse({ store: newerStore, blobs, schedule: SOON })];
  for (const one of devices.slice(DEVICES / 2)) await one.register();
  await startRollout(older.server, plan);
  await wakeAll(servers, devices, 6);
  // Both servers are there while half of the fleet is on its way; then the older one stops.
  assert.ok(devices.some((one) => one.running().version === '1.1.0'));
  await older.server.close();
  await olderStore.close();
  const [, last] = servers;
  assert.ok(last !== undefined);
  servers = [last];
  await wakeAll(servers, devices, 6);

  assert.deepEqual(
    devices.filter((one) => one.running().version !== '1.1.0').map((one) => one.deviceId),
    [],
  );
  const everything = { afterPosition: 0, limit: 10_000 };
  const rows = await newerStore.ledger.loadRows(plan.rolloutId, everything);
  const reports = await newerStore.reports.loadReports(plan.rolloutId, everything);
  assert.equal(rows.filter((row) => row.verifiedAt !== undefined).length, DEVICES);
  assert.equal(reports.length, acknowledged.filter((path) => path === '/v1/report').length);
  assert.equal((await newerStore.exposures.loadExposure(plan.rolloutId))?.granted, rows.length);
  const recount = await last.server.recounts.ofRollout(plan.rolloutId);
  assert.ok(recount.ok && recount.value.isEqual, JSON.stringify(recount));
  for (const { logged } of [older, last]) {
    assert.deepEqual(
      logged.filter((one) => /failed|away|error/.test(one.code)),
      [],
    );
  }
  await last.server.close();
  await newerStore.close();
});

async function publish({ server }: Rehearsal): Promise<{ former: ReleaseManifest; newer: ReleaseManifest }> {
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  return { former, newer };
}

/** Of the ring that gets everything at once: each comes through both questions and a report. */
function camera(number: number, factory: ReleaseManifest, send: Send): RehearsedDevice {
  const hardwareId = HARDWARE_IDS[number % 2] ?? 'rev-a';
  return rehearsedDevice({
    deviceId: `camera-${number}`,
    hardwareId,
    tags: ['dogfood'],
    factory,
    isHealthy: () => true,
    send,
  });
}

/** Both servers step fleet time, decide and read the policy; the fleet speaks to them in turn, many at once. */
async function wakeAll(
  servers: readonly Rehearsal[],
  devices: readonly RehearsedDevice[],
  steps: number,
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    for (const server of servers) await server.step();
    const [now] = servers.map((server) => server.now());
    assert.ok(now !== undefined);
    // A part of the fleet at a time, so that the change of servers finds it on its way.
    const awake = devices.filter((_, index) => index % steps <= step);
    await Promise.all(awake.map((one) => one.wake(now)));
  }
}
