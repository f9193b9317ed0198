// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { createSeed, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { encodeKeyFile } from '@outrider/protocol/trust/key-file';
import { StartError } from '../exit-codes.ts';
import type { Log, LogFields, Schedule } from '../ports.ts';
import { readFlags } from './flags.ts';
import { type RunningServer, runServer } from './run.ts';

const root = await mkdtemp(join(tmpdir(), 'outrider-roles-'));
const postgres = await startEmbeddedPostgres({ dataFolder: root, log: () => {} });
const secrets = join(root, 'secrets');
const running: RunningServer[] = [];
const schedule: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

after(async () => {
  for (const one of running) await one.stop();
  await postgres.stop();
  await removeEmbeddedPostgres(root);
  await rm(root, { recursive: true });
});

async function start(name: string, role: string, ...more: readonly string[]) {
  const logged: LogFields[] = [];
  const keep = (fields: LogFields) => void logged.push(fields);
  const log: Log = { info: keep, warn: keep, error: keep };
  const shared = ['--secrets', secrets, '--blobs', join(root, 'blobs')];
  const parameters = ['--data', join(root, name), '--port', '0', '--role', role, ...shared, ...more];
  const environment = { DATABASE_URL: urlOf(postgres.connection) };
  const flags = readFlags(parameters, { environment, workingFolder: root });
  const server = await runServer({ flags, version: '0.0.0', pid: process.pid, schedule, log });
  running.push(server);
  return { server, logged };
}

function urlOf({ user, password, host, port, database }: PostgresConnection): string {
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
}

async function api(
  url: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const token = (await readFile(join(secrets, 'admin-token'), 'utf8')).trim();
  const response = await fetch(`${url}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

let control: Awaited<ReturnType<typeof start>>;
let gateway: Awaited<ReturnType<typeof start>>;

before(async () => {
  await assert.rejects(start('gateway-1', 'gateway'), (fault: Error) => {
    assert.ok(fault instanceof StartError);
    assert.match(fault.message, /a gateway makes no secrets/);
    return fault.code === 'file-malformed';
  });
  control = await start('control-1', 'control');
  gateway = await start('gateway-1', 'gateway');
});

test('a gateway answers devices and sends people to the control plane, and the other way round', async () => {
  const asked = await api(gateway.server.url, '/status');
  assert.deepEqual([asked.status, asked.body.code], [421, 'served-elsewhere']);
  assert.equal((await api(control.server.url, '/status')).status, 200);
  const message = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  const refused = await fetch(`${control.server.url}/v1/check-in`, message);
  assert.equal(refused.status, 421);
  assert.match(await refused.text(), /"served-elsewhere"/);
  const taken = await fetch(`${gateway.server.url}/v1/check-in`, message);
  assert.notEqual(taken.status, 421);
  for (const { url } of [gateway.server, control.server]) {
    assert.equal((await fetch(`${url}/health/live`)).status, 200);
  }
});

test('a change at the control plane is in force at every gateway, which hears of it without waiting for its turn', async () => {
  const paused = await api(control.server.url, '/scopes/pause', { scope: 'global', reason: 'a rehearsal' });
  assert.equal(paused.status, 200);
  const token = (await readFile(join(secrets, 'metrics-token'), 'utf8')).trim();
  const revision = async () => {
    const page = await fetch(`${gateway.server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    return Number(/^outrider_policy_revision_count (\d+)/m.exec(await page.text())?.[1] ?? 0);
  };
  for (let tries = 0; (await revision()) !== paused.body.revision; tries++) {
    assert.ok(tries < 600, 'the gateway has not read the change');
    await elapse(50);
  }
});

test('of two control planes one decides; when it stops the other one does, and neither gateway ever does', async () => {
  const other = await start('control-2', 'control');
  const tookLease = ({ logged }: typeof other) => logged.some(({ code }) => code === 'lease-taken');
  assert.deepEqual([tookLease(control), tookLease(other), tookLease(gateway)], [true, false, false]);
  await control.server.stop();
  running.splice(running.indexOf(control.server), 1);
  for (let tries = 0; !tookLease(other); tries++) {
    assert.ok(tries < 1_200, 'nobody took over');
    await elapse(50);
  }
  assert.equal(tookLease(gateway), false);
});

test('a gateway with the permit key of another installation does not start', async () => {
  const foreign = join(root, 'foreign');
  await mkdir(foreign);
  for (const name of ['registration-token', 'metrics-token']) {
    await writeFile(join(foreign, name), await readFile(join(secrets, name)));
  }
  const seed = createSeed();
  const privateKey = Buffer.from(seed).toString('base64');
  const key = encodeKeyFile({ schema: 1, group: 'permit', privateKey, ...signerFromSeed(seed).publicKey });
  await writeFile(join(foreign, 'permit-key.json'), key);
  await assert.rejects(start('gateway-2', 'gateway', '--secrets', foreign), /not the one of the installation/);
});

test('a part of an installation without a database to share is refused, and so is a clock that only one process has', () => {
  const flags =
    (...more: readonly string[]) =>
    () =>
      readFlags(['--data', root, ...more]);
  assert.throws(flags('--role', 'gateway'), /no database is named/);
  const environment = { DATABASE_URL: urlOf(postgres.connection) };
  const conducted = ['--data', root, '--role', 'control', '--clock', 'conducted'];
  assert.throws(() => readFlags(conducted, { environment, workingFolder: root }), /one process alone can step/);
});
