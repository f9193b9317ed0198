// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { FAULTS_MAX, IMPORT_LINES_MAX } from '../gateway/registry-import.ts';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';
import { listen } from './listen.ts';

const TOKEN = 'an-admin-token-of-this-test';
const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const first = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
const opened = await listen({
  ...{ server: first.server, host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText(TOKEN) },
  ...{ digestText, schedule: timers, log: first.ports.log },
});
assert.ok(opened.ok);
const { url } = opened.value;
after(() => opened.value.close());
const manifest = await manifestOf(first.server, '1.0.0');

async function call(method: string, path: string, body?: string) {
  const bytes = body === undefined ? {} : { body, headers: { 'content-type': 'application/octet-stream' } };
  const headers = { authorization: `Bearer ${TOKEN}`, ...bytes.headers };
  const response = await fetch(`${url}/api/v1${path}`, { method, ...bytes, headers });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

// biome-ignore lint/suspicious/noExplicitAny: the tests below say what they expect of it
async function ask(method: string, path: string, body?: string): Promise<any> {
  return JSON.parse((await call(method, path, body)).text);
}

function lineOf(number: number, own: object = {}): string {
  const attributes = { deviceType: 'camera', model: 'm1', hardwareId: 'rev-a', region: 'north', customer: 'acme' };
  return `${JSON.stringify({ deviceId: `camera-${number}`, ...attributes, carrier: 'wire', ...own })}\n`;
}

async function registered(number: number): Promise<void> {
  const device = deviceOf(number);
  assert.equal((await device.register()).status, 201);
}

function deviceOf(number: number): RehearsedDevice {
  return rehearsedDevice({
    deviceId: `camera-${number}`,
    hardwareId: 'rev-a',
    factory: manifest,
    isHealthy: () => true,
    send: sendTo(first.server),
  });
}

test('the first release is published', async () => {
  const published = await fetch(`${url}/api/v1/releases`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: encodeEnvelope(signed(manifest)),
  });
  assert.equal(published.status, 201);
  await first.server.drain();
});

test('a query that is wrong is refused with the column, and a right one finds and counts', async () => {
  await registered(1);
  await registered(2);
  const wrong = await ask('GET', `/devices?where=${encodeURIComponent("model = 'x' ; drop table device")}`);
  assert.deepEqual([wrong.status, wrong.code, wrong.column], [400, 'query-invalid', 13]);
  const where = encodeURIComponent('version < 2.0 and id = camera-*');
  assert.deepEqual(await ask('GET', `/device-count?where=${where}`), { devices: 2, isExact: true });
  const page = await ask('GET', `/devices?where=${where}&after=camera-1&limit=5`);
  assert.deepEqual(
    page.items.map((one: { deviceId: string; attributesRevision: number }) => [one.deviceId, one.attributesRevision]),
    [['camera-2', 1]],
  );
});

test('what was exported is imported again without a change, as CSV and as NDJSON', async () => {
  for (const [format, type] of [
    ['csv', 'text/csv; charset=utf-8'],
    ['ndjson', 'application/x-ndjson'],
  ] as const) {
    const exported = await call('GET', `/device-export/${format}`);
    assert.deepEqual([exported.status, exported.type], [200, type]);
    const receipt = await ask('POST', `/device-import?format=${format}`, exported.text);
    assert.deepEqual([receipt.lines, receipt.unchanged, receipt.faults], [2, 2, []]);
  }
});

test('each line that cannot be taken in is named with its number and its reason, the others are taken in', async () => {
  const lines = [
    lineOf(10),
    '{"deviceId": "camera-11"}\n',
    '\n',
    lineOf(10),
    lineOf(12, { colour: 'red' }),
    lineOf(13),
  ];
  const receipt = await ask('POST', '/device-import?format=ndjson', lines.join(''));
  assert.deepEqual([receipt.announced, receipt.refused], [2, 3]);
  assert.deepEqual(
    receipt.faults.map((one: { line: number; code: string }) => [one.line, one.code]),
    [
      [2, 'line-malformed'],
      [4, 'device-repeated'],
      [5, 'line-malformed'],
    ],
  );
  const expected = await ask('GET', '/expected-devices');
  assert.deepEqual(
    expected.items.map((one: { deviceId: string }) => one.deviceId),
    ['camera-10', 'camera-13'],
  );
});

test('more lines than one request may have are refused, and those before are taken in; faults are listed up to a limit', async () => {
  const many = '{}\n'.repeat(IMPORT_LINES_MAX + 1);
  const tooMany = await ask('POST', '/device-import?format=ndjson', many);
  assert.equal(tooMany.code, 'body-too-large');
  const receipt = await ask('POST', '/device-import?format=ndjson&dryRun=true', '{}\n'.repeat(FAULTS_MAX + 5));
  assert.deepEqual([receipt.refused, receipt.faults.length, receipt.isDryRun], [FAULTS_MAX + 5, FAULTS_MAX, true]);
});

test('a request after one that was refused in the middle of its body is answered on the same connection', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  async function send(path: string, body: string): Promise<number | undefined> {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' };
    const request = httpRequest(`${url}/api/v1${path}`, { method: 'POST', agent, headers });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response.resume(), 'end');
    return response.statusCode;
  }
  try {
    const tooMany = '{}\n'.repeat(4 * IMPORT_LINES_MAX);
    for (const format of ['ndjson', 'csv']) {
      assert.equal(await send(`/device-import?format=${format}&dryRun=true`, tooMany), 413);
      assert.equal(await send('/device-import?format=ndjson&dryRun=true', lineOf(1)), 200);
    }
  } finally {
    agent.destroy();
  }
});

test('a device that comes with another hardware than was announced is not registered', async () => {
  await ask('POST', '/device-import?format=ndjson', lineOf(20, { hardwareId: 'rev-z' }));
  const answer = await deviceOf(20).register();
  assert.deepEqual([answer.status, JSON.parse(answer.body).code], [409, 'device-not-as-expected']);
});

test('a rollout explains every device of its type, and one that has not started nobody', async () => {
  assert.equal((await ask('GET', '/rollouts/none/explain')).code, 'rollout-unknown');
  const newer = await manifestOf(first.server, '1.1.0', manifest);
  assert.ok((await first.server.releases.publish(signed(newer))).ok);
  const plan = planOf(newer);
  await startRollout(first.server, plan);
  await first.step();
  const fleet = await ask('GET', `/rollouts/${plan.rolloutId}/explain`);
  assert.equal(fleet.devices, 2);
  assert.equal(
    fleet.groups.reduce((sum: number, one: { devices: number }) => sum + one.devices, 0),
    2,
  );
  assert.ok(
    fleet.groups.every((one: { sentence: string; samples: string[] }) => one.sentence && one.samples.length > 0),
  );
});
