// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { encodeCheckIn } from '@outrider/protocol/gateway/check-in';
import { encodePermitRequest } from '@outrider/protocol/gateway/permit';
import { encodeReport } from '@outrider/protocol/gateway/report';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { manifestOf, rehearse, SOON } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';
import { listen } from './listen.ts';
import { listenToTerminator } from './terminator-listener.ts';

const store = memoryStore();
const { server, ports } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
const folder = await mkdtemp(join(tmpdir(), 'outrider-terminator-'));
const path = join(folder, 'terminator.sock');
const { log } = ports;
const opened = await listenToTerminator({ server, path, schedule: SOON, log });
assert.ok(opened.ok);
const common = { host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText('t'), digestText };
const open = await listen({ server, ...common, schedule: SOON, log });
assert.ok(open.ok);
after(async () => {
  await Promise.all([opened.value.close(), open.value.close()]);
  await rm(folder, { recursive: true, force: true });
});

const factory = await manifestOf(server, '1.0.0');
const device = rehearsedDevice({
  ...{ deviceId: 'camera-0', hardwareId: 'rev-a', factory },
  ...{ send: sendTo(server), isHealthy: () => true },
});
const other = rehearsedDevice({
  ...{ deviceId: 'camera-1', hardwareId: 'rev-a', factory },
  ...{ send: sendTo(server), isHealthy: () => true },
});
await server.drain();
await device.register();
await other.register();
const { deviceId } = device;
const running = device.running();
let sequence = 0;

/** What a terminator says of the device's certificate: the serial as HAProxy writes it, in upper case. */
const CERTIFICATE = {
  'outrider-certificate-device': deviceId,
  'outrider-certificate-serial': '00AB12',
  'outrider-certificate-sha256': 'C'.repeat(64),
};

describe('over the socket of the terminator', () => {
  test('a device known by its certificate checks in without a signature', async () => {
    const answer = await send({ headers: CERTIFICATE, body: checkInOf() });
    assert.equal(answer.status, 200);
    assert.match(answer.body, /"code":"no-rollout"/);
    const known = await store.registry.loadDevices([deviceId]);
    assert.equal(known.length, 1);
  });

  test('a device known by its certificate asks for a permit without a signature', async () => {
    const body = encodePermitRequest({
      ...{ deviceId, sequence: ++sequence, rolloutId: 'r1', releaseId: 'camera-1.1.0', isRollback: false },
    } as Parameters<typeof encodePermitRequest>[0]);
    const answer = await send({ path: '/v1/permit', headers: CERTIFICATE, body });
    assert.equal(answer.status, 200);
    assert.match(answer.body, /"kind":"not-yet"/);
  });

  test('a report needs the signature of its device all the same, and counts with it', async () => {
    const body = reportOf(++sequence);
    const unsigned = await send({ path: '/v1/report', headers: CERTIFICATE, body });
    assert.equal(unsigned.status, 400);
    assert.match(unsigned.body, /outrider-signature/);
    const forged = { ...other.signedRequest('/v1/report', body).headers, 'outrider-device': deviceId, ...CERTIFICATE };
    assert.match((await send({ path: '/v1/report', headers: forged, body })).body, /"code":"signature-invalid"/);
    const { headers } = device.signedRequest('/v1/report', body);
    const signed = await send({ path: '/v1/report', headers: { ...headers, ...CERTIFICATE }, body });
    assert.equal(signed.status, 200);
  });

  test('a device speaks for itself only, whatever its body or its header says', async () => {
    const foreign = { ...CERTIFICATE, 'outrider-certificate-device': other.deviceId };
    assertProblem(await send({ headers: foreign, body: checkInOf() }), 403, 'device-mismatch');
    const named = { ...CERTIFICATE, 'outrider-device': other.deviceId };
    assertProblem(await send({ headers: named, body: checkInOf() }), 403, 'device-mismatch');
  });

  test('a certificate of a device that is not registered is refused by name', async () => {
    const stranger = { ...CERTIFICATE, 'outrider-certificate-device': 'camera-9' };
    assertProblem(await send({ headers: stranger, body: checkInOf() }), 401, 'device-unknown');
  });

  test('a certificate that is named in part, twice or wrongly is refused by name, never passed over', async () => {
    const { 'outrider-certificate-serial': _, ...withoutSerial } = CERTIFICATE;
    for (const headers of [
      withoutSerial,
      { ...CERTIFICATE, 'outrider-certificate-serial': 'xyz' },
      { ...CERTIFICATE, 'outrider-certificate-sha256': 'ab' },
      { ...CERTIFICATE, 'outrider-certificate-device': 'camera-0, camera-1' },
    ]) {
      assertProblem(await send({ headers, body: checkInOf() }), 400, 'certificate-malformed');
    }
  });

  test('a client without a certificate signs, as on the open port', async () => {
    const empty = Object.fromEntries(Object.keys(CERTIFICATE).map((name) => [name, '']));
    assertProblem(await send({ headers: empty, body: checkInOf() }), 400, 'body-malformed');
    const body = checkInOf();
    const { headers } = device.signedRequest('/v1/check-in', body);
    assert.equal((await send({ headers: { ...headers, ...empty }, body })).status, 200);
  });

  test('nobody but the owner of the server can connect', async () => {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
});

test('on the open port nobody is believed to have a certificate, signed or not', async () => {
  const { port } = new URL(open.value.url);
  const body = checkInOf();
  const { headers } = device.signedRequest('/v1/check-in', body);
  for (const [name, value] of Object.entries(CERTIFICATE)) {
    const answer = await send({ port, headers: { ...headers, [name]: value }, body });
    assertProblem(answer, 403, 'certificate-untrusted');
  }
});

test('a socket left by a killed server is replaced, one that is answered and a plain file are not', async () => {
  const answered = await listenToTerminator({ server, path, schedule: SOON, log });
  assert.ok(!answered.ok);
  assert.equal(answered.error.code, 'socket-refused');
  assert.match(answered.error.detail, /Another program answers/);
  const file = join(folder, 'file');
  await writeFile(file, '');
  const blocked = await listenToTerminator({ server, path: file, schedule: SOON, log });
  assert.match(blocked.ok ? '' : blocked.error.detail, /no socket/);
  const long = await listenToTerminator({ server, path: join(folder, 'x'.repeat(120)), schedule: SOON, log });
  assert.match(long.ok ? '' : long.error.detail, /allowed are 107/);
  const left = join(folder, 'left.sock');
  await leaveSocket(left);
  const replaced = await listenToTerminator({ server, path: left, schedule: SOON, log });
  assert.ok(replaced.ok);
  await replaced.value.close();
});

/** A socket file at which nobody listens any more: renamed away, it is not removed when its server closes. */
async function leaveSocket(at: string): Promise<void> {
  const beside = createServer();
  await new Promise<void>((resolve) => beside.listen({ path: `${at}.old` }, resolve));
  await rename(`${at}.old`, at);
  await new Promise((resolve) => beside.close(resolve));
}

function checkInOf(): string {
  return encodeCheckIn({ deviceId, sequence: ++sequence, running, state: 'idle' });
}

function reportOf(reportSequence: number): string {
  return encodeReport({
    ...{ deviceId, sequence: reportSequence, rolloutId: 'r1', releaseId: 'camera-1.1.0' },
    ...{ event: 'crash', running, detail: '' },
  } as Parameters<typeof encodeReport>[0]);
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function send(request: {
  readonly path?: string;
  readonly port?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}): Promise<Answer> {
  const { path: route = '/v1/check-in', port, headers, body } = request;
  const where = port === undefined ? { socketPath: path } : { host: '127.0.0.1', port };
  const sent = { 'content-type': 'application/json', ...headers } as Record<string, string>;
  return new Promise((resolve, reject) => {
    const posted = httpRequest({ ...where, method: 'POST', path: route, headers: sent }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    posted.on('error', reject);
    posted.end(body);
  });
}

function assertProblem({ status, body }: Answer, expected: number, code: string): void {
  assert.equal(status, expected, body);
  assert.equal(JSON.parse(body).code, code);
}
