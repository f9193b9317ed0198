// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { certificatesIn } from '@outrider/adapters/server/ca/ca-folder';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createSeed, privateKeyOf, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { makeCertificateRequest } from '@outrider/adapters/shared/x509/certificate-request';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { encodeCheckIn } from '@outrider/protocol/gateway/check-in';
import {
  encodeCertificateOrder,
  encodeRegistration,
  parseGivenCredentials,
  parseRegistrationAnswer,
} from '@outrider/protocol/gateway/registration';
import {
  BOOT_HEADER,
  DEVICE_HEADER,
  requestText,
  SIGNATURE_HEADER,
} from '@outrider/protocol/gateway/request-signature';
import { serverRootOf } from '@outrider/protocol/gateway/token-text';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer, type Server } from '../compose.ts';
import { openCa } from '../installation/open-ca.ts';
import { DEVICE_TYPE, rehearse, SOON } from '../rehearsal.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-identity-'));
after(() => rm(folder, { recursive: true }));
const order = { name: 'Acme', serverNames: ['localhost'], nowMs: wallClock().now(), lives: CA_LIVES };
await writeOnlineCa(folder, makeRoot(order), order);

const store = memoryStore();
const { ports } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
const ca = await openCa(folder, 365, ports.log);
/** Two gateways of one installation. */
const [server, second] = [composeServer({ ...ports, ...ca?.ports }), composeServer({ ...ports, ...ca?.ports })];
await Promise.all([server.drain(), second.drain()]);

const running = { version: '1.0.0', releaseCounter: 1, components: [{ name: 'main', digest: 'a'.repeat(64) }] };
const attributes = {
  ...{ deviceType: DEVICE_TYPE, model: 'm', hardwareId: 'rev-a', region: 'eu', customer: 'c', carrier: 'w', tags: [] },
};

describe('a device gets its identity', () => {
  test('by a token that is good once: the next device is told that it is used', async () => {
    const { token } = await server.identities.createToken({ author: 'ada', usesMax: 1, hours: 1 });
    assert.equal(serverRootOf(token), ca?.ports.deviceCa?.serverRootDigest, 'the token names the root of the server');
    const device = aDevice('camera-1');
    const answer = await device.register({ token });
    assert.equal(answer.status, 201, answer.body);
    const parsed = parseRegistrationAnswer(answer.body);
    assert.ok(parsed.ok && parsed.value.credentials !== undefined);
    assert.equal(certificatesIn(parsed.value.credentials.chain).length, 1);
    assert.equal((await device.register({ token })).status, 201, 'an answer that was lost is given again');
    assertProblem(await aDevice('camera-2').register({ token }), 401, 'registration-token-used');
    const thief = await aDevice('camera-1').register({ token });
    assertProblem(thief, 409, 'device-key-differs');
  });

  test('and no token is used up by a request that could not be answered with a certificate', async () => {
    const { token } = await server.identities.createToken({ author: 'ada', usesMax: 1, hours: 1 });
    const device = aDevice('camera-3');
    const wrong = makeCertificateRequest('camera-4', device.key);
    assertProblem(await device.register({ token, csr: wrong }), 403, 'csr-for-another');
    assertProblem(await device.register({ token, csr: 'AAAA' }), 400, 'csr-malformed');
    assert.equal((await device.register({ token })).status, 201);
  });

  test('and renews its certificate by its key, whatever certificate it has', async () => {
    const device = await registered('camera-5');
    const answer = await device.order();
    assert.equal(answer.status, 201, answer.body);
    const given = parseGivenCredentials(answer.body);
    assert.ok(given.ok);
    const { certificates } = (await shown('camera-5')) ?? { certificates: [] };
    assert.equal(certificates.length, 2, 'both are on record');
    assertProblem(await device.order({ csr: makeCertificateRequest('camera-6', device.key) }), 403, 'csr-for-another');
  });

  test('two proofs at once, or none, are no registration', async () => {
    assertProblem(await aDevice('camera-7').register({}), 400, 'body-malformed');
    const factory = { certificates: ['AAAA'], signature: 'AAAA' };
    assertProblem(await aDevice('camera-7').register({ factory }), 401, 'factory-unknown-ca');
    assertProblem(await aDevice('camera-7').register({ factory, token: 'x'.repeat(20) }), 400, 'body-malformed');
  });
});

describe('a device whose key was revoked', () => {
  test('is refused by every gateway from its next look at the policy on, by certificate and by signature', async () => {
    const device = await registered('camera-10');
    assert.equal((await device.checkIn(second)).status, 200);
    const certificate = await device.certificate();
    assert.equal((await device.checkIn(second, certificate)).status, 200);
    const revoked = await server.identities.changeKey({
      ...{ author: 'ada', kind: 'device-revoked', deviceId: device.deviceId, reason: 'stolen' },
    });
    assert.ok(revoked.ok);
    await second.drain();
    for (const gateway of [server, second]) {
      assertProblem(await device.checkIn(gateway), 403, 'device-revoked');
      assertProblem(await device.checkIn(gateway, certificate), 403, 'device-revoked');
      assertProblem(await device.order({ gateway }), 403, 'device-revoked');
    }
    assert.equal((await shown('camera-10'))?.revoked?.reason, 'stolen');
  });

  test('comes back with a new key by a token for it, at every gateway; the old certificate is worth nothing', async () => {
    const stolen = await registered('camera-11');
    const former = await stolen.certificate();
    assert.equal((await stolen.checkIn(second, former)).status, 200);
    const { deviceId } = stolen;
    await server.identities.changeKey({ author: 'ada', kind: 'device-revoked', deviceId, reason: 'stolen' });
    await second.drain();
    assertProblem(await stolen.checkIn(second, former), 403, 'device-revoked');
    const { token } = await server.identities.createToken({ author: 'ada', usesMax: 1, hours: 1, deviceId });
    assertProblem(await aDevice('camera-12').register({ token }), 401, 'registration-token-for-another');
    const renewed = aDevice('camera-11');
    assert.equal((await renewed.register({ token })).status, 201);
    assert.equal((await renewed.checkIn(server)).status, 200);
    const own = await renewed.certificate();
    assert.equal((await renewed.checkIn(server, own)).status, 200);
    assertProblem(await stolen.checkIn(server, former), 403, 'device-revoked');
  });

  test('counts again when that was a mistake', async () => {
    const device = await registered('camera-13');
    const { deviceId } = device;
    const change = { author: 'ada', deviceId, reason: 'a slip' } as const;
    assert.ok((await server.identities.changeKey({ ...change, kind: 'device-revoked' })).ok);
    const again = await server.identities.changeKey({ ...change, kind: 'device-revoked' });
    assert.equal(again.ok ? 'ok' : again.error.code, 'key-revoked-already');
    assert.ok((await server.identities.changeKey({ ...change, kind: 'device-reinstated' })).ok);
    assert.equal((await device.checkIn(server)).status, 200);
    const unneeded = await server.identities.changeKey({ ...change, kind: 'device-reinstated' });
    assert.equal(unneeded.ok ? 'ok' : unneeded.error.code, 'key-not-revoked');
  });
});

test('a key that speaks from two places is flagged once, on record and in its explanation, and still answered', async () => {
  const device = await registered('camera-30');
  const [one, other] = ['1', '2'].map((digit) => digit.repeat(32));
  for (const boot of [one, one, other]) assert.equal((await device.checkIn(server, undefined, boot)).status, 200);
  assert.equal((await shown('camera-30'))?.isCloneSuspected, false, 'a device may start anew');
  for (const boot of [one, other, one, other]) {
    assert.equal((await device.checkIn(server, undefined, boot)).status, 200, 'which one is honest a person decides');
  }
  assert.equal((await shown('camera-30'))?.isCloneSuspected, true);
  const explained = await server.queries.explainDevice(device.deviceId);
  assert.ok(explained.ok && explained.value.isCloneSuspected === true);
  const { items } = await server.audit.list({ after: 0, limit: 100, action: 'device-clone-suspected' });
  assert.equal(items.length, 1);
});

test('a certificate that has run out on an open connection is refused by name', async () => {
  const device = await registered('camera-20');
  const certificate = await device.certificate();
  const expired = { ...certificate, notAfter: wallClock().now() };
  assertProblem(await device.checkIn(server, expired), 401, 'certificate-expired');
  const superseded = { ...certificate, keyId: aDevice('camera-21').keyId };
  assertProblem(await device.checkIn(server, superseded), 401, 'certificate-superseded');
});

async function registered(id: string) {
  const device = aDevice(id);
  const { token } = await server.identities.createToken({ author: 'ada', usesMax: 1, hours: 1 });
  const answer = await device.register({ token });
  assert.equal(answer.status, 201, answer.body);
  return device;
}

async function shown(id: string) {
  const identity = await server.identities.show(id as DeviceId);
  return identity.ok ? identity.value : undefined;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

type Certificate = NonNullable<Parameters<Server['handleDevice']>[0]['certificate']>;

function aDevice(id: string) {
  const deviceId = id as DeviceId;
  const seed = createSeed();
  const [signer, key] = [signerFromSeed(seed), privateKeyOf(seed)];
  let sequence = 0;

  async function send(
    gateway: Server,
    path: string,
    body: string,
    certificate?: Certificate,
    boot?: string,
  ): Promise<Answer> {
    const { signature } = signer.sign(requestText({ method: 'POST', path, body }));
    const identity = { [DEVICE_HEADER]: deviceId, [SIGNATURE_HEADER]: signature };
    const started = boot === undefined ? {} : { [BOOT_HEADER]: boot };
    const headers = { 'content-type': 'application/json', ...identity, ...started };
    const answer = await gateway.handleDevice({
      ...{ method: 'POST', path, headers, body },
      ...(certificate === undefined ? {} : { certificate }),
    });
    return { status: answer.status, body: String(answer.body) };
  }

  return {
    deviceId,
    key,
    keyId: signer.publicKey.keyId,
    register: (right: Partial<Parameters<typeof encodeRegistration>[0]>) =>
      send(
        server,
        '/v1/register',
        encodeRegistration({
          ...{ deviceId, publicKey: signer.publicKey, attributes, csr: makeCertificateRequest(id, key) },
          ...{ running: running as unknown as Parameters<typeof encodeRegistration>[0]['running'], ...right },
        }),
      ),
    order: ({ csr = makeCertificateRequest(id, key), gateway = server } = {}) =>
      send(gateway, '/v1/certificate', encodeCertificateOrder({ deviceId, csr })),
    checkIn(gateway: Server, certificate?: Certificate, boot?: string) {
      const body = encodeCheckIn({
        ...{ deviceId, sequence: ++sequence, state: 'idle' },
        running: running as unknown as Parameters<typeof encodeCheckIn>[0]['running'],
      });
      return send(gateway, '/v1/check-in', body, certificate, boot);
    },
    /** As a terminator tells it of the newest one. */
    async certificate(): Promise<Certificate> {
      const all = await store.identities.loadCertificates(deviceId, 9);
      const newest = all.find((one) => one.keyId === signer.publicKey.keyId);
      const fingerprint = signer.publicKey.keyId as string as Certificate['fingerprint'];
      assert.ok(newest !== undefined);
      const { serial, keyId, notAfter } = newest;
      return { deviceId, serial, keyId, notAfter, fingerprint };
    },
  };
}

function assertProblem({ status, body }: Answer, expected: number, code: string): void {
  assert.equal(status, expected, body);
  assert.equal(JSON.parse(body).code, code);
}
