// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { encodeCheckIn } from '@outrider/protocol/gateway/check-in';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { ddiClient } from '../gateway/ddi/rehearsed-client.ts';
import type { DeviceRequest } from '../gateway/device-request.ts';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';
import { listen } from './listen.ts';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
const { server, ports } = rehearsal;
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: timers, log: ports.log },
  adminTokenDigest: digestText('an-admin-token-of-this-test'),
});
assert.ok(listening.ok);
const { url } = listening.value;
after(() => listening.value.close());
await server.drain();

const factory = await manifestOf(server, '1.0.0');
const newer = await manifestOf(server, '1.1.0', factory);
for (const manifest of [factory, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
const device = rehearsedDevice({
  ...{ deviceId: 'camera-1', hardwareId: 'rev-a', tags: ['dogfood'], factory, isHealthy: () => true },
  send: sendTo(server),
});
assert.equal((await device.register()).status, 201);
const ddi = await ddiClient(server, 'gate-1');
await startRollout(server, planOf(newer));
await rehearsal.step();

const ROOT = '/DEFAULT/controller/v1/gate-1';
const TOKEN = { authorization: `TargetToken ${ddi.token}`, 'content-type': 'application/json' };
let sequence = 100;
const checkIn = (more: object = {}) =>
  JSON.stringify({
    ...JSON.parse(
      encodeCheckIn({ deviceId: device.deviceId, sequence: ++sequence, running: device.running(), state: 'idle' }),
    ),
    ...more,
  });
const own = (body: string): Partial<DeviceRequest> => device.signedRequest('/v1/check-in', body);
const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = TOKEN) => ({
  ...{ method: 'POST', path, headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const get = (path: string, headers: Readonly<Record<string, string>> = TOKEN) => ({
  method: 'GET',
  path,
  headers,
  body: '',
});
const running = (more: object) => ({ running: { ...device.running(), ...more } });

const stolen = rehearsedDevice({
  ...{ deviceId: 'camera-stolen', hardwareId: 'rev-a', tags: [], factory, isHealthy: () => true },
  send: sendTo(server),
});
assert.equal((await stolen.register()).status, 201);
const revoking = { author: 'ada', kind: 'device-revoked', deviceId: stolen.deviceId, reason: 'stolen' } as const;
assert.ok((await server.identities.changeKey(revoking)).ok);
const ofStolen = encodeCheckIn({ deviceId: stolen.deviceId, sequence: 9, running: device.running(), state: 'idle' });

/** What devices get wrong, in both protocols, and the name that each is refused under. */
const CASES: readonly (readonly [claim: string, request: Partial<DeviceRequest>, status: number, code: string])[] = [
  ['another tenant', get('/acme/controller/v1/gate-1'), 404, 'tenant-unknown'],
  ['an unknown controller', get('/DEFAULT/controller/v1/gate-9'), 401, 'device-unknown'],
  ['a device of our own on DDI', get('/DEFAULT/controller/v1/camera-1'), 401, 'device-unknown'],
  ['a controller id that is none', get('/DEFAULT/controller/v1/%00'), 404, 'route-unknown'],
  ['no token', get(ROOT, {}), 401, 'ddi-token-invalid'],
  ['a wrong token', get(ROOT, { authorization: 'TargetToken x' }), 401, 'ddi-token-invalid'],
  ['a bearer token on DDI', get(ROOT, { authorization: `Bearer ${ddi.token}` }), 401, 'ddi-token-invalid'],
  ['a deployment that never was', get(`${ROOT}/deploymentBase/7`), 404, 'ddi-action-unknown'],
  ['a number beyond 31 bits', get(`${ROOT}/deploymentBase/4294967297`), 404, 'ddi-action-unknown'],
  [
    'feedback about nothing',
    post(`${ROOT}/deploymentBase/7/feedback`, { status: { execution: 'closed' } }),
    404,
    'ddi-action-unknown',
  ],
  ['feedback without a status', post(`${ROOT}/deploymentBase/7/feedback`, {}), 400, 'body-malformed'],
  [
    'feedback in words unknown',
    post(`${ROOT}/deploymentBase/7/feedback`, { status: { execution: 'exploded' } }),
    400,
    'body-malformed',
  ],
  [
    'feedback as XML',
    post(`${ROOT}/deploymentBase/7/feedback`, '<a/>', { ...TOKEN, 'content-type': 'text/xml' }),
    415,
    'media-type-unsupported',
  ],
  ['attributes that are a list', { ...post(`${ROOT}/configData`, { data: [] }), method: 'PUT' }, 400, 'body-malformed'],
  ['the wrong method on DDI', { ...get(ROOT), method: 'DELETE' }, 405, 'method-not-allowed'],
  ['a file of no deployment', get(`${ROOT}/softwaremodules/0/artifacts/../../etc/passwd`), 404, 'route-unknown'],
  ['another file', get(`${ROOT}/softwaremodules/0/artifacts/x.swu`), 404, 'blob-unknown'],
  [
    'a certificate that nobody verified',
    get(ROOT, { 'outrider-certificate-device': 'gate-1' }),
    403,
    'certificate-untrusted',
  ],
  [
    'an unknown device',
    { ...own(checkIn()), headers: { ...own(checkIn()).headers, 'outrider-device': 'camera-9' } },
    401,
    'device-unknown',
  ],
  ['another body than was signed', { ...own(checkIn()), body: checkIn() }, 401, 'signature-invalid'],
  [
    'another media type',
    { ...own(checkIn()), headers: { ...own(checkIn()).headers, 'content-type': 'text/plain' } },
    415,
    'media-type-unsupported',
  ],
  ['another device in the body', own(checkIn({ deviceId: 'camera-2' })), 403, 'device-mismatch'],
  ['a state that no device can be in', own(checkIn({ state: 'flying' })), 400, 'body-malformed'],
  [
    'a digest that is none',
    own(checkIn(running({ components: [{ name: 'main', digest: 'slot b' }] }))),
    400,
    'body-malformed',
  ],
  [
    'two images in the slots of one component',
    own(checkIn(running({ components: [...device.running().components, ...device.running().components] }))),
    400,
    'body-malformed',
  ],
  ['a counter below zero', own(checkIn(running({ releaseCounter: -1 }))), 400, 'body-malformed'],
  ['a version that is none', own(checkIn(running({ version: 'newest' }))), 400, 'body-malformed'],
  ['a future version of the protocol', { ...own(checkIn()), path: '/v9/check-in' }, 404, 'route-unknown'],
  ['a device whose key was revoked', stolen.signedRequest('/v1/check-in', ofStolen), 403, 'device-revoked'],
  ['a registration with a key of P-256', p256Registration(), 422, 'key-kind-unsupported'],
  ['JSON that is deeper than the sea', own('['.repeat(30_000)), 400, 'body-malformed'],
];

for (const [claim, request, status, code] of CASES) {
  test(`${claim} is refused as ${code}, and counted under it`, async () => {
    const before = server.recorder.counters.read().refused?.[code] ?? 0;
    const answer = await send(request);
    assert.deepEqual([answer.status, codeIn(answer.body)], [status, code], answer.body.slice(0, 300));
    // The open port itself refuses what no route may see; all else is counted where it is answered.
    if (code === 'certificate-untrusted') return;
    assert.equal(server.recorder.counters.read().refused?.[code], before + 1);
  });
}

test('a device whose counter goes back, or whose clock is of another century, is answered as what it says now', async () => {
  for (const more of [running({ releaseCounter: 0 }), { now: 0 }, { sentAt: 4_102_444_800_000 }]) {
    const answer = await send(own(checkIn(more)));
    assert.equal(answer.status, 200, answer.body);
  }
});

test('a counter above any that was published gets no offer, under a name that is counted and shown', async () => {
  const counted = () => server.recorder.counters.read()['check-in']?.['counter-too-low'] ?? 0;
  const before = counted();
  const answer = await send(own(checkIn(running({ releaseCounter: 99 }))));
  assert.deepEqual([answer.status, JSON.parse(answer.body).code], [200, 'counter-too-low'], answer.body);
  assert.equal(counted(), before + 1);
  await server.drain();
  const explained = await server.queries.explainDevice(device.deviceId);
  assert.equal(explained.ok && explained.value.answer.code, 'counter-too-low');
});

test('a device whose image no release names is offered the whole release, so that it gets out of there', async () => {
  const components = [{ name: 'main', digest: digestText('an image that somebody made by hand') }];
  const answer = await send(own(checkIn(running({ components }))));
  const { kind, artifacts } = JSON.parse(answer.body);
  assert.deepEqual([answer.status, kind, artifacts?.[0]?.artifact.kind], [200, 'offer', 'full'], answer.body);
});

test('whatever is sent, by whichever method and to whichever path, is never answered by 5xx', async () => {
  const path = fc.oneof(
    fc.constantFrom('/v1/check-in', '/v1/permit', '/v1/report', '/v1/register', '/blobs/', ROOT, `${ROOT}/configData`),
    fc.constantFrom(`${ROOT}/deploymentBase/1/feedback`, `${ROOT}/cancelAction/1`, '/DEFAULT/controller/v1/'),
    fc.webPath().map((one) => `/${one}`.replaceAll('//', '/')),
    fc.stringMatching(/^[!-~]{0,40}$/).map((one) => `/DEFAULT/controller/v1/${one}`),
  );
  const json = fc.json().map(String);
  const body = fc.oneof(
    json,
    fc.string({ maxLength: 400 }),
    fc.constant(checkIn()),
    fc.constant('{"status":{"execution":"closed"}}'),
  );
  const headers = fc.record(
    {
      authorization: fc.constantFrom(`TargetToken ${ddi.token}`, 'TargetToken', 'GatewayToken x', 'x'),
      'content-type': fc.constantFrom('application/json', 'application/cbor', '', 'a;b;c'),
      range: fc.constantFrom('bytes=0-', 'bytes=9-1', 'lines=1'),
      'outrider-device': fc.constantFrom('camera-1', '\u00ff', 'x'.repeat(300)),
      'outrider-signature': fc.constantFrom('', 'A'.repeat(88)),
    },
    { requiredKeys: [] },
  );
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH');
  await fc.assert(
    fc.asyncProperty(method, path, headers, body, async (verb, where, what, said) => {
      const answer = await send({ method: verb, path: where, headers: what, body: said });
      assert.ok(answer.status < 500, `${verb} ${where}: ${answer.status} ${answer.body.slice(0, 300)}`);
    }),
    propertyOptions({ runs: 80 }),
  );
});

/** All else is as it should be: it is the kind of key alone that is refused. */
function p256Registration(): Partial<DeviceRequest> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = publicKey.export({ format: 'der', type: 'spki' });
  const { deviceType, hardwareId } = { deviceType: 'camera', hardwareId: 'rev-a' };
  const attributes = { deviceType, hardwareId, model: 'm', region: 'eu', customer: 'c', carrier: 'w', tags: [] };
  const key = { keyId: digestText('a key of P-256'), publicKey: info.toString('base64') };
  const body = { token: 'a-registration-token', deviceId: 'camera-p256', publicKey: key, attributes };
  const signed = { 'outrider-device': 'camera-p256', 'outrider-signature': Buffer.alloc(64).toString('base64') };
  const headers = { 'content-type': 'application/json', ...signed };
  return post('/v1/register', { ...body, running: device.running() }, headers);
}

/** Over a socket of its own, byte by byte as it is: a client library would mend what devices get wrong. */
function send(request: Partial<DeviceRequest>): Promise<{ readonly status: number; readonly body: string }> {
  const { method = 'GET', path = '/', headers = {}, body = '' } = request;
  const { port } = new URL(url);
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${String(value)}`],
  );
  const length = method === 'GET' || method === 'HEAD' ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${path} HTTP/1.1`, 'host: ota.example', 'connection: close', ...length, ...lines].join(
    '\r\n',
  );
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(Buffer.from(`${head}\r\n\r\n`, 'latin1'));
      if (length.length > 0) socket.write(body);
    });
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString();
      const [, status = '0'] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? [];
      resolve({ status: Number(status), body: text.slice(text.indexOf('\r\n\r\n') + 4) });
    });
  });
}

function codeIn(body: string): unknown {
  return /"code":"([a-z-]+)"/.exec(body)?.[1];
}
