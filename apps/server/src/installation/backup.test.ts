// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { backUpInstallation, restoreInstallation } from '@outrider/adapters/server/backup/installation';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import { permitIdOf } from '@outrider/domain/gateway/permit-id';
import type { Epoch } from '@outrider/domain/kernel/ids';
import { RESTORE_REVISIONS } from '@outrider/domain/policy/restore';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { Log, LogFields, Schedule } from '../ports.ts';
import { BUILD, manifestOf, planOf, RELEASE_ENGINEERING, rehearse, signed } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, type Send } from '../rehearsed-device.ts';
import { readFlags } from './flags.ts';
import { type RunningServer, runServer } from './run.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-backup-'));
const [first, second] = [join(folder, 'first'), join(folder, 'second')];
const started: RunningServer[] = [];
after(async () => {
  // Whatever a failed test left running, or the file would never end.
  await Promise.allSettled(started.map((one) => one.stop()));
  for (const one of [first, second]) await removeEmbeddedPostgres(one);
  await rm(folder, { recursive: true });
});

const schedule: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

test('what was acknowledged before a backup began is in it, taken while a fleet is served, and comes up paused', async () => {
  const server = await start(first);
  const place: Place = { server };
  const { former, newer, devices } = await publish(place);
  const { rolloutId } = planOf(newer);
  const path = join(folder, 'a.backup');
  const waiting = [...devices];
  const served: RehearsedDevice[] = [];
  const reports: string[] = [];
  /** The first step of a rollout admits ten: some are let in before the backup, some after. */
  let admitted = 6;
  let isOver = false;

  async function lane(): Promise<void> {
    while (!isOver) {
      const device = served.length < admitted ? waiting.pop() : undefined;
      if (device !== undefined) {
        await device.wake(wallClock().now());
        // It has the release: its permit and its report were acknowledged.
        if (device.running().version === '1.1.0') served.push(device);
        else waiting.unshift(device);
      }
      const reporter = served[reports.length % Math.max(1, served.length)];
      if (reporter === undefined) continue;
      await reporter.checkIn();
      const answered = reporter.report('verified', permitOf(reporter, newer));
      // Another lane may report for the same device before this answer comes.
      const sequence = reporter.lastSequence();
      await answered;
      reports.push(`${reporter.deviceId} ${sequence}`);
    }
  }

  const lanes = Array.from({ length: LANES }, lane);
  await until(() => served.length >= admitted && reports.length > 200);
  const before = { served: served.map((one) => one.deviceId), reports: [...reports] };
  const { manifest } = await backUpInstallation({ ...workOn(first, path), program: '0.0.0' });
  const during = reports.length;
  assert.ok(during > before.reports.length, 'the fleet was served meanwhile');
  admitted = 9;
  await until(() => served.length >= admitted && reports.length > during + LANES);
  isOver = true;
  await Promise.all(lanes);
  const stranger = camera('camera-of-tomorrow', place, former);
  assert.equal((await stranger.register()).status, 201);
  const epoch = await epochOf(server, rolloutId);
  await server.running.stop();

  const { entry } = await restoreInstallation(workOn(second, path));
  const restored = await start(second);
  place.server = restored;
  const status = await restored.call('GET', '/status');
  assert.deepEqual(status.pausedScopes, [{ scope: 'global', isIncludingRollback: true }]);
  assert.equal(status.revision, entry.revision);
  assert.ok(status.revision > manifest.revision + RESTORE_REVISIONS);
  assert.match(status.restored.reason, /^Restored from the backup of 20\d\d-/);
  assert.ok(restored.logged.some((one) => one.code === 'restored'));
  assert.ok((await epochOf(restored, rolloutId)) > epoch + 1_000);

  const rows = await ledgerOf(restored, rolloutId);
  const held = new Map(rows.map((one) => [one.row.deviceId, one.verifiedAt]));
  const lost = before.served.filter((one) => held.get(one) === undefined);
  assert.deepEqual(lost, [], 'permits that were acknowledged before the backup began');
  const stored = await reportsOf(restored, rolloutId);
  const lostReports = before.reports.filter((one) => !stored.has(one));
  assert.deepEqual(lostReports, [], 'reports that were acknowledged before the backup began');
  const { exposure } = await restored.call('GET', `/rollouts/${rolloutId}`);
  assert.equal(exposure.granted, rows.length);
  const recount = await restored.call('POST', `/rollouts/${rolloutId}/evidence/recount`, {});
  assert.equal(recount.isEqual, true, JSON.stringify(recount.differences));

  // What came after the backup is unknown to it: the permit of this one, and all of the other.
  const last = served.findLast((one) => !held.has(one.deviceId));
  assert.ok(last !== undefined, 'somebody was served after the snapshot');
  assert.equal(await last.report('verified', permitOf(last, newer)), 'unmatched');
  await assert.rejects(stranger.checkIn(), /401.*device-unknown/);

  const [late] = waiting;
  assert.ok(late !== undefined, 'somebody waits still');
  await late.wake(wallClock().now());
  assert.equal(late.running().version, '1.0.0', 'nothing is given out before a person resumes');
  await restored.call('POST', '/scopes/resume', { scope: 'global', reason: 'the permits of that night have expired' });
  assert.equal((await restored.call('GET', '/status')).restored, undefined);
  await late.wake(wallClock().now());
  assert.equal(late.running().version, '1.1.0');
  await restored.running.stop();
});

const DEVICES = 40;
const LANES = 3;

interface Installation {
  readonly dataFolder: string;
  readonly running: RunningServer;
  readonly logged: readonly LogFields[];
  // biome-ignore lint/suspicious/noExplicitAny: the test says what it expects of it
  call(method: string, path: string, body?: object | string): Promise<any>;
}

async function start(dataFolder: string): Promise<Installation> {
  const logged: LogFields[] = [];
  const keep = (fields: LogFields) => void logged.push(fields);
  const log: Log = { info: keep, warn: keep, error: keep };
  const flags = readFlags(['--data', dataFolder, '--port', '0']);
  const running = await runServer({ flags, version: '0.0.0', pid: process.pid, schedule, log });
  started.push(running);
  const token = (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim();
  return {
    dataFolder,
    running,
    logged,
    async call(method, path, body) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(`${running.url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: text }),
      });
      const value = await response.json();
      assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(value)}`);
      return value;
    },
  };
}

/** Two releases of real bytes, and a rollout of the newer one to the ring that gets everything at once. */
async function publish(place: Place) {
  const { running } = place.server;
  const groups = [
    { name: 'build', keys: [BUILD.publicKey] },
    { name: 'release-engineering', keys: [RELEASE_ENGINEERING.publicKey] },
  ];
  await writeFile(join(first, 'release-role.json'), encodeSigningRole({ threshold: 2, groups }));
  const { server: workshop, ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule });
  const former = await manifestOf(workshop, '1.0.0');
  const newer = await manifestOf(workshop, '1.1.0', former);
  const token = (await readFile(join(first, 'admin-token'), 'utf8')).trim();
  const send = async (method: string, path: string, type: string, body: string | Uint8Array<ArrayBuffer>) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    const response = await fetch(`${running.url}/api/v1${path}`, { method, headers, body });
    assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
  };
  for (const manifest of [former, newer]) {
    for (const digest of manifest.components.flatMap(({ image }) => [image.digest, image.blocksDigest])) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of ports.blobs.read(digest)) chunks.push(chunk);
      const bytes = Uint8Array.from(Buffer.concat(chunks));
      await send('PUT', `/blobs/${digest}`, 'application/octet-stream', bytes);
    }
    await send('POST', '/releases', 'application/json', encodeEnvelope(signed(manifest)));
  }
  const devices = Array.from({ length: DEVICES }, (_, number) => camera(`camera-${number}`, place, former));
  for (const answer of await Promise.all(devices.map((one) => one.register()))) assert.equal(answer.status, 201);
  const plan = planOf(newer);
  await send('POST', '/rollouts', 'application/json', JSON.stringify({ plan }));
  for (const event of ['approve', 'start']) {
    const body = JSON.stringify({ event, reason: 'as planned' });
    await send('POST', `/rollouts/${plan.rolloutId}/events`, 'application/json', body);
  }
  return { former, newer, devices };
}

/** Which server the fleet reaches now. */
interface Place {
  server: Installation;
}

function camera(deviceId: string, place: Place, factory: ReleaseManifest): RehearsedDevice {
  const send: Send = async ({ method, path, headers, body }) => {
    const { url } = place.server.running;
    const response = await fetch(`${url}${path}`, { method, headers: headers as Record<string, string>, body });
    return { status: response.status, body: await response.text() };
  };
  return rehearsedDevice({
    deviceId,
    hardwareId: deviceId.endsWith('1') || deviceId.endsWith('3') ? 'rev-b' : 'rev-a',
    tags: ['dogfood'],
    factory,
    registrationToken: tokenOf(first),
    isHealthy: () => true,
    send,
  });
}

/** The permit that the first server gave to this device, as its report names it. */
function permitOf({ deviceId }: RehearsedDevice, manifest: ReleaseManifest): PermitDocument {
  const { rolloutId, releaseId, permitLifeMs } = planOf(manifest);
  const row = { rolloutId, deviceId, kind: 'enrolment', enrolment: 1 } as const;
  return {
    ...{ schema: 1, permitId: permitIdOf(row), deviceId, rolloutId, releaseId },
    ...{ releaseCounter: manifest.releaseCounter, epoch: 1 as Epoch, grantedAt: wallClock().now() },
    lifeMs: permitLifeMs,
  };
}

async function reportsOf(server: Installation, rolloutId: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let after = 0; ; ) {
    const { items } = await server.call('GET', `/rollouts/${rolloutId}/reports?limit=1000&after=${after}`);
    for (const { report, position } of items) {
      found.add(`${report.deviceId} ${report.sequence}`);
      after = position;
    }
    if (items.length === 0) return found;
  }
}

interface Row {
  readonly row: { readonly deviceId: string };
  readonly verifiedAt?: number;
}

async function ledgerOf(server: Installation, rolloutId: string): Promise<readonly Row[]> {
  return (await server.call('GET', `/rollouts/${rolloutId}/ledger?limit=1000`)).items;
}

function tokenOf(dataFolder: string): string {
  return readFileSync(join(dataFolder, 'registration-token'), 'utf8').trim();
}

async function epochOf(server: Installation, rolloutId: string): Promise<number> {
  return (await server.call('GET', `/rollouts/${rolloutId}`)).rollout.epoch;
}

function workOn(dataFolder: string, path: string) {
  return { path, dataFolder, databaseUrl: undefined, now: wallClock().now(), onProgress: () => {} };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(20);
}
