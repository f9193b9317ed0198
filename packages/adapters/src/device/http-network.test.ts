// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { CheckIn } from '@outrider/domain/gateway/check-in';
import type { DeviceId, ReleaseCounter, Sha256 } from '@outrider/domain/kernel/ids';
import { hours } from '@outrider/domain/kernel/time';
import { encodeCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { parseRequestIdentity, requestText } from '@outrider/protocol/gateway/request-signature';
import { ANSWER_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { createSigner, createVerifier } from '../shared/ed25519.ts';
import { type HttpClient, keptConnections, open } from './http-client.ts';
import { httpNetwork } from './http-network.ts';
import { registerDevice } from './register.ts';

const signer = createSigner();
const verifier = createVerifier();
const deviceId = 'camera-7' as DeviceId;
const digest = 'a'.repeat(64) as Sha256;
const checkIn: CheckIn = {
  deviceId,
  sequence: 1,
  running: { version: '1.0.0', releaseCounter: 1 as ReleaseCounter, components: [] },
  state: 'idle',
};
const refusal = encodeCheckInAnswer({ kind: 'refusal', code: 'no-rollout', pollAfterMs: hours(12) });

test('every request is signed by the device over its method, path and body', async () => {
  const seen: boolean[] = [];
  const client = await serve(async (request, response) => {
    const body = await textOf(request);
    const identity = parseRequestIdentity(request.headers);
    assert(identity.ok);
    const { method, url: path = '' } = request;
    assert(method === 'GET' || method === 'POST');
    const text = requestText({ method, path, body });
    seen.push(
      identity.value.deviceId === deviceId && verifier.verify(signer.publicKey, text, identity.value.signature),
    );
    response.end(method === 'GET' ? 'bytes' : refusal);
  });
  const network = httpNetwork(client);
  assert.deepEqual(await network.checkIn(checkIn), { ok: true, value: JSON.parse(refusal) });
  assert.equal(String(await collect(network.fetchBlob(digest, 0))), 'bytes');
  assert.deepEqual(seen, [true, true]);
});

test('a server that is away, busy or failing is asked again; one that refuses is not', async () => {
  const cases: readonly (readonly [number, string])[] = [
    [503, 'network-unreachable'],
    [500, 'network-unreachable'],
    [429, 'network-unreachable'],
    [401, 'server-refused'],
    [404, 'server-refused'],
    [302, 'server-refused'],
  ];
  for (const [status, code] of cases) {
    const client = await serve((_, response) => response.writeHead(status).end('no'));
    const answer = await httpNetwork(client).checkIn(checkIn);
    assert.equal(!answer.ok && answer.error.code, code, String(status));
  }
  const { serverUrl } = await serve((_, response) => response.destroy());
  const gone = await httpNetwork(clientOf(serverUrl)).checkIn(checkIn);
  assert.equal(!gone.ok && gone.error.code, 'network-unreachable');
});

test('what a busy server asks for comes with the fault, for messages and for blobs', async () => {
  const client = await serve((_, response) => response.writeHead(503, { 'retry-after': '42' }).end('busy'));
  const answer = await httpNetwork(client).checkIn(checkIn);
  assert.equal(!answer.ok && answer.error.retryAfterMs, 42_000);
  await assert.rejects(collect(httpNetwork(client).fetchBlob(digest, 0)), {
    code: 'download-cut',
    retryAfterMs: 42_000,
  });
  const dated = await serve((_, response) => {
    const headers = { date: 'Thu, 01 Jan 1970 00:00:10 GMT', 'retry-after': 'Thu, 01 Jan 1970 00:01:10 GMT' };
    response.writeHead(503, headers).end('busy, with a clock that was never set');
  });
  const late = await httpNetwork(dated).checkIn(checkIn);
  assert.equal(!late.ok && late.error.retryAfterMs, 60_000);
});

test('an answer that is no answer, or endless, is refused', async () => {
  for (const body of ['{}', 'not JSON', '', 'x'.repeat(ANSWER_BYTES_MAX + 1)]) {
    const client = await serve((_, response) => response.end(body));
    const answer = await httpNetwork(client).checkIn(checkIn);
    assert.equal(!answer.ok && answer.error.code, 'answer-malformed', body.slice(0, 10));
  }
});

test('a blob goes on from the byte asked for, and only from there', async () => {
  const content = randomBytes(10_000);
  const client = await serve((request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start === 0) return response.end(content);
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    return response.writeHead(206, { 'content-range': range }).end(content.subarray(start));
  });
  const network = httpNetwork(client);
  assert.deepEqual(await collect(network.fetchBlob(digest, 0)), content);
  assert.deepEqual(await collect(network.fetchBlob(digest, 4_000)), content.subarray(4_000));
  const wrong = await serve((_, response) => response.end(content));
  await assert.rejects(collect(httpNetwork(wrong).fetchBlob(digest, 4_000)), { code: 'download-cut' });
});

test('a blob that breaks off, or is not there, is a cut download', async () => {
  const broken = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 1_000 }).write('x'.repeat(500), () => response.destroy());
  });
  const chunks: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      for await (const chunk of httpNetwork(broken).fetchBlob(digest, 0)) chunks.push(chunk);
    },
    { code: 'download-cut' },
  );
  assert.equal(Buffer.concat(chunks).length, 500);
  const missing = await serve((_, response) => response.writeHead(404).end());
  await assert.rejects(collect(httpNetwork(missing).fetchBlob(digest, 0)), { code: 'download-cut' });
});

test('a device that stops reading a blob leaves no connection behind that others wait for', async () => {
  const client = await serve((request, response) => {
    if (request.method === 'GET') response.end(randomBytes(3_000_000));
    else response.end(refusal);
  });
  const network = httpNetwork(client);
  for (let count = 0; count < 5; count++) {
    for await (const _ of network.fetchBlob(digest, 0)) break;
  }
  assert.equal((await network.checkIn({ ...checkIn, sequence: 2 })).ok, true);
});

test('a registration for another device is not taken', async () => {
  const anchors = {
    releaseRole: { threshold: 1, groups: [{ name: 'build', keys: [signer.publicKey] }] },
    permitKeys: [signer.publicKey],
  };
  for (const answered of ['camera-7', 'camera-8']) {
    const client = await serve((_, response) =>
      response.writeHead(201).end(JSON.stringify({ deviceId: answered, anchors })),
    );
    const attributes = { deviceType: 'camera', hardwareId: 'x', model: 'x', region: 'x', customer: 'x', carrier: 'x' };
    const registration = { token: 't'.repeat(32), attributes: { ...attributes, tags: [] }, running: checkIn.running };
    const result = await registerDevice(client, registration);
    assert.deepEqual(
      result.ok ? result.value.anchors : result.error.code,
      answered === deviceId ? anchors : 'answer-malformed',
    );
  }
});

test('an answer that drips is broken off in its time, and one that came whole is not', async () => {
  const client = await serve((request, response) => {
    response.write('{');
    if (request.url === '/whole') response.end('}');
  });
  const within = { withinMs: 200 };
  const whole = await open(client, { method: 'GET', path: '/whole', body: '' }, within);
  assert.equal(await textOf(whole), '{}');
  const drip = await open(client, { method: 'GET', path: '/drips', body: '' }, within);
  await assert.rejects(collect(drip));
});

async function serve(listener: RequestListener): Promise<HttpClient> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server on a TCP port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const client = clientOf(new URL(`http://127.0.0.1:${port}/`));
  after(() => {
    client.connections.destroy();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

function clientOf(serverUrl: URL): HttpClient {
  return { serverUrl, deviceId, signer, connections: keptConnections(serverUrl) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  return String(await collect(request));
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
