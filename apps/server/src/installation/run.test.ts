// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { StartError } from '../exit-codes.ts';
import type { Log, LogFields, Schedule } from '../ports.ts';
import { BUILD, manifestOf, planOf, RELEASE_ENGINEERING, rehearse, signed } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice } from '../rehearsed-device.ts';
import { readFlags } from './flags.ts';
import { type RunningServer, runServer } from './run.ts';

const dataFolder = await mkdtemp(join(tmpdir(), 'outrider-server-'));
const logged: LogFields[] = [];
const log: Log = { info: keep, warn: keep, error: keep };
const schedule: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

function keep(fields: LogFields): void {
  logged.push(fields);
}

function start(...more: readonly string[]): Promise<RunningServer> {
  const flags = readFlags(['--data', dataFolder, '--port', '0', '--clock', 'conducted', ...more]);
  return runServer({ flags, version: '0.0.0', pid: process.pid, schedule, log });
}

let server: RunningServer;

before(async () => {
  server = await start();
});

after(async () => {
  await server.stop();
  await removeEmbeddedPostgres(dataFolder);
  await rm(dataFolder, { recursive: true });
});

async function call(method: string, path: string, body?: object | string | Uint8Array<ArrayBuffer>) {
  const token = (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim();
  const isBytes = body instanceof Uint8Array;
  const type = body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' };
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...type },
    ...(body === undefined ? {} : { body: isBytes || typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the tests below say what they expect of it
  const value: any = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(value)}`);
  return value;
}

test('what is said of an issuer is checked before anything is made or started', async () => {
  const untouched = join(dataFolder, 'never');
  const asked = ['--oidc-issuer', 'https://login.example'];
  await assert.rejects(
    () => runServer({ flags: readFlags(['--data', untouched, ...asked]), version: '0.0.0', pid: 1, schedule, log }),
    (fault) => fault instanceof StartError && fault.code === 'usage' && fault.message.includes('nobody has a role'),
  );
  await assert.rejects(stat(untouched), { code: 'ENOENT' });
});

/** Builds releases where they need no server, and uploads what they consist of. */
async function publishTwo() {
  const { server: workshop, ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule });
  const former = await manifestOf(workshop, '1.0.0');
  const newer = await manifestOf(workshop, '1.1.0', former);
  for (const manifest of [former, newer]) {
    for (const { image } of manifest.components) {
      for (const digest of [image.digest, image.blocksDigest]) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of ports.blobs.read(digest)) chunks.push(chunk);
        await call('PUT', `/blobs/${digest}`, Uint8Array.from(Buffer.concat(chunks)));
      }
    }
    await call('POST', '/releases', encodeEnvelope(signed(manifest)));
  }
  return { former, newer };
}

let device: RehearsedDevice;
let rolloutPath: string;

test('a fresh installation keeps its secrets to its owner and says where it is', async () => {
  for (const name of ['admin-token', 'registration-token', 'permit-key.json']) {
    assert.equal((await stat(join(dataFolder, name))).mode & 0o777, 0o600, name);
  }
  const found = JSON.parse(await readFile(join(dataFolder, 'server.json'), 'utf8'));
  assert.deepEqual(found, { url: server.url, pid: process.pid });
  assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
  assert.ok(logged.some(({ stage, code }) => stage === 'release' && code === 'repositories-missing'));
  const asked = await fetch(`${server.url}/repo/director/1.root.json`);
  assert.match(await asked.text(), /This server has no repositories; found them with `outrider trust init`/);
});

test('a release goes from its signatures to a device, through PostgreSQL and HTTP', async () => {
  const refused = call(
    'POST',
    '/releases',
    encodeEnvelope(signed({ ...(await workshopManifest()), version: '0.9.0' })),
  );
  await assert.rejects(refused, /release-role-missing/);
  const groups = [
    { name: 'build', keys: [BUILD.publicKey] },
    { name: 'release-engineering', keys: [RELEASE_ENGINEERING.publicKey] },
  ];
  await writeFile(join(dataFolder, 'release-role.json'), encodeSigningRole({ threshold: 2, groups }));

  const { former, newer } = await publishTwo();
  const registrationToken = (await readFile(join(dataFolder, 'registration-token'), 'utf8')).trim();
  device = rehearsedDevice({
    deviceId: 'camera-1',
    hardwareId: 'rev-a',
    tags: ['dogfood'],
    factory: former,
    registrationToken,
    isHealthy: () => true,
    async send({ method, path, headers, body }) {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: headers as Record<string, string>,
        body,
      });
      return { status: response.status, body: await response.text() };
    },
  });
  assert.equal((await device.register()).status, 201);
  const plan = planOf(newer);
  rolloutPath = `/rollouts/${plan.rolloutId}`;
  await call('POST', '/rollouts', { plan });
  for (const event of ['approve', 'start'])
    await call('POST', `${rolloutPath}/events`, { event, reason: 'as planned' });
  const { fleetTime } = await call('GET', '/status');
  await call('POST', '/conductor/step', { now: fleetTime + 600_000 });
  await device.wake(fleetInstant(fleetTime + 600_000));
  assert.equal(device.running().version, '1.1.0');
  await call('POST', '/conductor/step', { now: fleetTime + 1_200_000 });
  const { exposure, evidence, decision } = await call('GET', rolloutPath);
  assert.equal(exposure.granted, 1);
  assert.equal(evidence.base.find((one: { metric: string }) => one.metric === 'revert').confirmed, 1);
  assert.equal(decision.at, fleetTime + 1_200_000);
});

test('a data folder that cannot be read is refused by name, whatever in it is wrong', async () => {
  const cases: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
    ['admin-token', (path) => mkdir(path)],
    ['release-role.json', (path) => mkdir(path)],
    ['blobs', (path) => writeFile(path, 'a file')],
    ['postgres.json', (path) => writeFile(path, '{')],
  ];
  for (const [name, spoil] of cases) {
    const folder = await mkdtemp(join(dataFolder, 'spoiled-'));
    await spoil(join(folder, name));
    await assert.rejects(start('--data', folder), (cause: unknown) => {
      assert.ok(cause instanceof StartError, String(cause));
      assert.equal(cause.code, 'folder-unusable');
      assert.match(cause.message, new RegExp(`${name}`));
      return true;
    });
  }
});

test('a data folder with an empty name is not the folder the server was started in', () => {
  for (const flags of [[], ['--data', ''], ['--data=']]) {
    assert.throws(() => readFlags(flags), /--data (is missing|is an empty text)/);
  }
});

test('a second server on the same data is refused by name', async () => {
  await assert.rejects(start(), (cause) => cause instanceof StartError && cause.code === 'data-folder-in-use');
});

test('after its PostgreSQL was killed the server answers on, and nothing that was acknowledged is gone', async () => {
  const pid = pidOfPostgres();
  assert.equal(typeof pid, 'number');
  process.kill(Number(pid), 'SIGKILL');
  const answer = await device.checkIn();
  assert.equal(answer.kind, 'refusal');
  for (let tries = 0; pidOfPostgres() === pid; tries++) {
    assert.ok(tries < 600, 'PostgreSQL is started again; how soon is measured by the proof of kills');
    await elapse(100);
  }
  const { items } = await call('GET', `${rolloutPath}/ledger`);
  assert.deepEqual(
    items.map((one: { row: { deviceId: string }; verifiedAt?: number }) => [
      one.row.deviceId,
      one.verifiedAt !== undefined,
    ]),
    [['camera-1', true]],
  );
});

test('a server that is started again goes on where it stopped: fleet time, evidence, permits and keys', async () => {
  const earlier = await call('GET', '/status');
  const stoppedAt = performance.now();
  await server.stop();
  assert.ok(performance.now() - stoppedAt < 5_000, 'it stops within five seconds');
  server = await start();
  const later = await call('GET', '/status');
  assert.deepEqual([later.fleetTime, later.revision], [earlier.fleetTime, earlier.revision]);
  await call('POST', '/conductor/step', { now: earlier.fleetTime + 600_000 });
  const { exposure, evidence } = await call('GET', rolloutPath);
  assert.equal(exposure.granted, 1);
  assert.equal(evidence.base.find((one: { metric: string }) => one.metric === 'revert').confirmed, 1);
  assert.equal((await device.register()).status, 201, 'the same device with the same key is known');
});

function pidOfPostgres(): unknown {
  return logged.findLast((one) => one.code === 'postgres-started')?.pid;
}

async function workshopManifest() {
  const { server: workshop } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule });
  return manifestOf(workshop, '1.0.0');
}
