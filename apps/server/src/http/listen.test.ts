// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { digestText } from '@outrider/adapters/shared/digest';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed } from '../rehearsal.ts';
import { rehearsedDevice } from '../rehearsed-device.ts';
import { listen } from './listen.ts';

const TOKEN = 'an-admin-token-of-this-test';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
const { server } = rehearsal;
const options = {
  server,
  host: '127.0.0.1',
  port: 0,
  version: '0.0.0',
  adminTokenDigest: digestText(TOKEN),
  digestText,
  schedule: timers,
  log: rehearsal.ports.log,
} as const;
const listening = await listen(options);
assert.ok(listening.ok);
const { url } = listening.value;
after(() => listening.value.close());
await server.drain();

const authorization = `Bearer ${TOKEN}`;

async function call(method: string, path: string, body?: unknown) {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization, ...json },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the tests below say what they expect of it
  const value: any = await response.json();
  return { status: response.status, type: response.headers.get('content-type'), value };
}

test('a release is uploaded, published, rolled out and explained over HTTP alone', async () => {
  const manifest = await manifestOf(server, '1.0.0');
  const published = await call('POST', '/releases', encodeEnvelope(signed(manifest)));
  assert.equal(published.status, 201, JSON.stringify(published.value));
  const again = await call('POST', '/releases', encodeEnvelope(signed(manifest)));
  assert.deepEqual([again.status, again.value.code, again.type], [409, 'release-exists', 'application/problem+json']);

  const device = rehearsedDevice({
    deviceId: 'camera-1',
    hardwareId: 'rev-a',
    factory: manifest,
    isHealthy: () => true,
    async send({ method, path, headers, body }) {
      const response = await fetch(`${url}${path}`, { method, headers: headers as Record<string, string>, body });
      return { status: response.status, body: await response.text() };
    },
  });
  assert.equal((await device.register()).status, 201);
  const newer = await manifestOf(server, '1.1.0', manifest);
  assert.equal((await call('POST', '/releases', encodeEnvelope(signed(newer)))).status, 201);
  const plan = planOf(newer);
  assert.equal((await call('POST', '/rollouts', { plan })).status, 201);
  const path = `/rollouts/${plan.rolloutId}`;
  const early = await call('POST', `${path}/events`, { event: 'start', reason: 'now' });
  assert.deepEqual([early.status, early.value.code], [409, 'transition-impossible']);
  for (const event of ['approve', 'start']) {
    assert.equal((await call('POST', `${path}/events`, { event, reason: 'as planned' })).status, 200);
  }
  const { now, handled } = (await call('POST', '/conductor/step', { now: rehearsal.now() + 600_000 })).value;
  assert.deepEqual([now, handled], [rehearsal.now(), 1]);
  assert.equal((await device.checkIn()).kind, 'offer');
  const explained = await call('GET', '/devices/camera-1/explain');
  assert.equal(explained.value.answer.kind, 'offer');
  assert.equal((await call('GET', path)).value.rollout.state, 'running');
  assert.equal((await call('GET', '/rollouts')).value.items.length, 1);
  const open = rehearsal.now();
  await rehearsal.step();
  const paused = await call('POST', '/scopes/pause', { scope: 'region:north', reason: 'storm' });
  assert.equal(paused.status, 200);
  const halted = await call('GET', '/devices/camera-1/explain');
  assert.equal(halted.value.answer.code, 'scope-paused');
  const past = await call('GET', `/devices/camera-1/explain?at=${open}`);
  assert.deepEqual([past.value.answer.code, past.value.past.at], ['offer', open]);
  for (const at of [0, open + 86_400_000]) {
    const refused = await call('GET', `/devices/camera-1/explain?at=${at}`);
    assert.deepEqual([refused.status, refused.value.code], [400, 'query-invalid'], String(at));
  }
  assert.equal((await call('GET', '/devices?limit=1')).value.items[0].deviceId, 'camera-1');
  assert.equal((await call('GET', '/status')).value.counters['check-in'].offer, 1);
});

test('a wrong request is answered by one problem document that says what is allowed', async () => {
  const cases: readonly (readonly [string, string, unknown, number, string])[] = [
    ['GET', '/nothing', undefined, 404, 'route-unknown'],
    ['DELETE', '/status', undefined, 405, 'method-not-allowed'],
    ['GET', '/devices/nobody', undefined, 404, 'device-not-found'],
    ['GET', '/devices?limit=many', undefined, 400, 'query-invalid'],
    ['GET', '/rollouts/none', undefined, 404, 'rollout-unknown'],
    ['POST', '/rollouts', '{', 400, 'body-malformed'],
    ['POST', '/rollouts', { plan: {} }, 400, 'body-malformed'],
    ['POST', '/scopes/pause', { scope: 'moon', reason: 'x' }, 400, 'body-malformed'],
    ['POST', '/scopes/pause', { scope: 'global', reason: 'x', typo: 1 }, 400, 'body-malformed'],
    ['POST', '/scopes/pause', { scope: 'global', reason: 'x', author: 'decision' }, 400, 'body-malformed'],
    ['POST', '/scopes/pause', { scope: 'global', reason: 'a\0b' }, 400, 'body-malformed'],
    ['POST', '/scopes/pause', { scope: 'global', reason: 'a\ud800b' }, 400, 'body-malformed'],
    // 1,024 characters of two UTF-16 units each.
    ['POST', '/scopes/pause', { scope: 'global', reason: '\u{1F6D1}'.repeat(1_024) }, 400, 'body-malformed'],
    ['GET', '/devices?limt=1', undefined, 400, 'query-invalid'],
    ['GET', '/status?x=1', undefined, 400, 'query-invalid'],
    ['GET', '/releases/%zz', undefined, 400, 'query-invalid'],
    ['GET', `/releases/${'a'.repeat(500)}`, undefined, 400, 'query-invalid'],
    ['PUT', `/blobs/${digestText('x')}`, {}, 415, 'media-type-unsupported'],
    ['PUT', `/blobs/${digestText('x')}`, undefined, 415, 'media-type-unsupported'],
    ['POST', '/scopes/resume', { scope: 'global', reason: 'x' }, 409, 'scope-not-paused'],
    ['POST', '/releases', `"${'x'.repeat(2_200_000)}"`, 413, 'body-too-large'],
    ['POST', '/conductor/step', { now: 1 }, 409, 'clock-backwards'],
  ];
  for (const [method, path, body, status, code] of cases) {
    const answer = await call(method, path, body);
    assert.deepEqual([answer.status, answer.value.code], [status, code], `${method} ${path}`);
    assert.equal(answer.type, 'application/problem+json');
    assert.equal(answer.value.type, `urn:outrider:problem:${code}`);
    assert.match(answer.value.detail, /^[A-Z].*[^.]$/s);
  }
});

test('without the token nothing is shown, and no body is read', async () => {
  for (const field of [undefined, 'Bearer wrong', `Basic ${TOKEN}`, TOKEN]) {
    const headers = field === undefined ? {} : { authorization: field };
    const response = await fetch(`${url}/api/v1/status`, { headers });
    assert.equal(response.status, 401, String(field));
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
  }
});

test('a blob that is not what its digest says is not kept', async () => {
  const digest = digestText('what it should be');
  const upload = (body: string) =>
    fetch(`${url}/api/v1/blobs/${digest}`, {
      method: 'PUT',
      headers: { authorization, 'content-type': 'application/octet-stream' },
      body,
    });
  assert.equal((await upload('something else')).status, 422);
  const stored = () => fetch(`${url}/blobs/${digest}`, { method: 'HEAD' });
  assert.equal((await stored()).status, 404);
  assert.equal((await upload('what it should be')).status, 200);
  assert.deepEqual([(await stored()).status, (await stored()).headers.get('content-length')], [200, '17']);
});

test('a body that is too large is refused before it is read, and one that is no text by name', async () => {
  const headers = { 'content-type': 'application/json' };
  const large = await fetch(`${url}/v1/report`, { method: 'POST', headers, body: 'x'.repeat(70_000) });
  assert.equal(large.status, 413);
  const endless = await new Promise<number | undefined>((resolve, reject) => {
    const outgoing = httpRequest(`${url}/v1/report`, { method: 'POST', headers }, (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    outgoing.on('error', reject);
    outgoing.write('x'.repeat(70_000));
  });
  assert.equal(endless, 413);
  const binary = await fetch(`${url}/v1/report`, { method: 'POST', headers, body: Buffer.from([0xff, 0xfe]) });
  assert.deepEqual([binary.status, ((await binary.json()) as { code: string }).code], [400, 'body-malformed']);
});

test('what is no HTTP request is told so by a problem document, and an upload that breaks off is no fault of ours', async () => {
  const cases: readonly (readonly [string, number, string])[] = [
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['\x16\x03\x01 a TLS greeting\r\n\r\n', 400, 'request-malformed'],
    ['POST /v1/report HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 400, 'request-malformed'],
    ['GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n', 404, 'route-unknown'],
  ];
  for (const [text, status, code] of cases) {
    const said = await sayRaw(text);
    assert.match(said, new RegExp(`^HTTP/1.1 ${status} `));
    assert.match(said, /content-type: application\/problem\+json/);
    assert.match(said, new RegExp(`"code":"${code}","detail":"[A-Z]`));
  }
  const head = [`PUT /api/v1/blobs/${digestText('cut')} HTTP/1.1`, `Authorization: ${authorization}`];
  const upload = [...head, 'Content-Type: application/octet-stream', 'Content-Length: 100', '', 'half'].join('\r\n');
  await sayRaw(upload, 100);
  for (let tries = 0; !rehearsal.logged.some((one) => one.code === 'connection-ended'); tries++) {
    assert.ok(tries < 100, 'the cut upload is noted');
    await elapse(10);
  }
  assert.equal(
    rehearsal.logged.some((one) => one.code === 'internal-error'),
    false,
  );
});

/** Sends bytes as they are and answers what came back; hangs up itself after `hangUpMs`. */
function sayRaw(text: string, hangUpMs = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let said = '';
    socket.setTimeout(hangUpMs, () => socket.destroy());
    socket.on('data', (part) => {
      said += part;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
}

test('a port that is taken is said so', async () => {
  const second = await listen({ ...options, port: Number(new URL(url).port) });
  assert.equal(second.ok ? undefined : second.error.code, 'port-in-use');
  assert.match(second.ok ? '' : second.error.detail, /choose another with --port/);
});

test('the OpenAPI document shows every route that the server has', async () => {
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> };
  assert.ok(Object.keys(document.paths).length >= 18);
  assert.deepEqual(Object.keys(document.paths['/api/v1/rollouts/{rolloutId}/events'] ?? {}), ['post']);
});

test('the page about the API names every route, and no other', async () => {
  const page = await readFile(new URL('../../../../docs/protocol/management-api.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (GET|POST|PUT) `([^`?]+)/gm)];
  const described = rows.map(([, method = '', path = '']) => `${method} ${path.replaceAll(/<\w+>/g, '*')}`);
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> };
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.slice(7).replaceAll(/\{\w+\}/g, '*')}`),
  );
  assert.deepEqual(described.sort(), routes.sort());
});
