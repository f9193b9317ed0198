// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Credentials, loadCredentials } from '@outrider/adapters/device/credentials';
import { loadDeviceKey } from '@outrider/adapters/device/device-identity';
import { fetchServerRoot } from '@outrider/adapters/device/first-contact';
import { httpNetwork } from '@outrider/adapters/device/http-network';
import { registerDevice } from '@outrider/adapters/device/register';
import { secureClient } from '@outrider/adapters/device/secure-client';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { steppedClock, wallClock } from '@outrider/adapters/shared/clock';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { serverRootOf } from '@outrider/protocol/gateway/token-text';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import { openCa } from '../installation/open-ca.ts';
import { DEVICE_TYPE, rehearse, SOON } from '../rehearsal.ts';
import { listenWithTls } from './tls-listener.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-secure-'));
const order = { name: 'Acme', serverNames: ['127.0.0.1'], nowMs: wallClock().now(), lives: CA_LIVES };
await writeOnlineCa(folder, makeRoot(order), order);
const { ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
const ca = present(await openCa(folder, 365, ports.log), 'the CA that was just made');
const server = composeServer({ ...ports, ...ca.ports });
const never = { after: () => () => {} };
const place = { host: '127.0.0.1', port: 0, clock: wallClock(), schedule: never, log: ports.log };
const listening = await listenWithTls({ server, files: ca.files, ...place });
assert.ok(listening.ok);
const serverUrl = new URL(listening.value.url);
after(async () => {
  await listening.value.close();
  await rm(folder, { recursive: true, force: true });
});
await server.drain();

// The constructor of what a device says it runs.
const running = { version: '1.0.0', releaseCounter: 1, components: [] } as unknown as Parameters<
  typeof registerDevice
>[1]['running'];
const attributes = {
  ...{ deviceType: DEVICE_TYPE, model: 'm', hardwareId: 'rev-a', region: 'eu', customer: 'c', carrier: 'w', tags: [] },
};

describe('a device over mutual TLS', () => {
  test('finds its server by the token alone, registers, and speaks by its certificate', async () => {
    const device = await aDevice('camera-1');
    const { token } = await server.identities.createToken({ author: 'ada', usesMax: 1, hours: 1 });
    const root = await fetchServerRoot(serverUrl, present(serverRootOf(token), 'the root in a token'));
    assert.ok(root.ok);
    const stranger = await fetchServerRoot(serverUrl, 'a'.repeat(64));
    assert.equal(stranger.ok ? '' : stranger.error.code, 'server-refused');
    const identity = device.open({ roots: root.value });
    await device.register(identity, token);
    assert.ok((await device.checkIn(identity)).ok);
    const kept = await device.credentials();
    assert.ok(kept.renewAfter > wallClock().now() && kept.notAfter > kept.renewAfter);
    assert.ok((await device.checkIn(device.open({ credentials: kept }))).ok, 'after a start too');
  });

  test('says not a word to a server with another root, another name, or a certificate that has run out', async () => {
    const device = await registered('camera-2');
    const kept = await device.credentials();
    const other = makeRoot({ ...order, name: 'Mallory' });
    const before = server.queries.status().handled;
    const wrongRoot = await device.checkIn(device.open({ roots: [new X509Certificate(other.certificate)] }));
    assert.match(wrongRoot.ok ? '' : wrongRoot.error.detail, /does not lead to a root/);
    const localhost = new URL(serverUrl.href.replace('127.0.0.1', 'localhost'));
    const wrongName = await device.checkIn(device.open({ credentials: kept, url: localhost }));
    assert.match(wrongName.ok ? '' : wrongName.error.detail, /is for IP Address:127\.0\.0\.1, asked for was localhost/);
    const inTenYears = steppedClock(fleetInstant(wallClock().now() + 3_650 * DAY_MS));
    const late = await device.checkIn(device.open({ roots: kept.roots, clock: inTenYears }));
    assert.match(late.ok ? '' : late.error.detail, /has run out/);
    assert.equal(server.queries.status().handled, before, 'no request has reached the server');
  });

  test('with a clock at 1970 it speaks as before, and a certificate of long ago is not believed', async () => {
    const device = await registered('camera-3');
    const kept = await device.credentials();
    const at1970 = steppedClock(fleetInstant(0));
    assert.ok((await device.checkIn(device.open({ credentials: kept, clock: at1970 }))).ok);
    const floorLater = { ...kept, timeFloor: fleetInstant(wallClock().now() + 3_650 * DAY_MS) };
    const stale = await device.checkIn(device.open({ credentials: floorLater, clock: at1970 }));
    assert.match(stale.ok ? '' : stale.error.detail, /has run out/, 'the time that was signed is a floor');
  });

  test('renews its certificate at half time, by itself', async () => {
    const device = await registered('camera-4');
    const kept = await device.credentials();
    const later = steppedClock(fleetInstant(kept.renewAfter + 1));
    assert.ok((await device.checkIn(device.open({ credentials: kept, clock: later }))).ok);
    const renewed = await device.credentials();
    assert.notEqual(renewed.chain, kept.chain);
    assert.ok((await device.checkIn(device.open({ credentials: renewed }))).ok);
  });

  test('whose certificate was refused orders a new one by its key, and sends the message again', async () => {
    const device = await registered('camera-5');
    const kept = await device.credentials();
    const foreign = await registeredElsewhere('camera-5');
    // As after a restore on another machine, or after the CA was lost: what it holds is worth nothing here.
    const broken = { ...kept, chain: foreign };
    assert.ok((await device.checkIn(device.open({ credentials: broken }))).ok);
    const recovered = await device.credentials();
    assert.notEqual(recovered.chain, kept.chain);
    assert.match(device.said.join('\n'), /refused; it has ordered a new one by its key/);
  });
});

async function registered(id: string) {
  const device = await aDevice(id);
  const { token } = await server.identities.createToken({ author: 'ada', usesMax: 1, hours: 1 });
  await device.register(device.open({ roots: ca.files.roots }), token);
  return device;
}

/** A certificate of the same device by another CA. */
async function registeredElsewhere(id: string): Promise<string> {
  const elsewhere = await mkdtemp(join(folder, 'elsewhere-'));
  await writeOnlineCa(elsewhere, makeRoot({ ...order, name: 'Elsewhere' }), { ...order, name: 'Elsewhere' });
  const foreign = present(await openCa(elsewhere, 365, ports.log), 'another CA');
  const key = await loadDeviceKey(join(folder, id));
  assert.ok(key.ok);
  const csr = secureClient({
    ...{ folder, serverUrl, deviceId: id as DeviceId, signer: key.value.signer, key: key.value.key },
    ...{ credentials: undefined, clock: wallClock(), log: () => {} },
  }).certificateRequest();
  const { publicKey } = key.value.signer;
  const issued = present(foreign.ports.deviceCa, 'its CA').issue({ csr, deviceId: id as DeviceId, publicKey });
  assert.ok(issued.ok);
  return issued.value.chain;
}

async function aDevice(id: string) {
  const own = join(folder, id);

  await mkdir(own);
  const loaded = await loadDeviceKey(own);
  assert.ok(loaded.ok);
  const { signer, key } = loaded.value;
  const deviceId = id as DeviceId;
  const said: string[] = [];
  let sequence = 0;
  return {
    said,
    open({ url = serverUrl, ...others }: Partial<Parameters<typeof secureClient>[0]> & { readonly url?: URL }) {
      return secureClient({
        ...{ folder: own, serverUrl: url, deviceId, signer, key, credentials: undefined, clock: wallClock() },
        log: (line) => void said.push(line),
        ...others,
      });
    },
    async register(identity: ReturnType<typeof secureClient>, token: string): Promise<void> {
      const csr = identity.certificateRequest();
      const answer = await registerDevice(identity.client, { token, attributes, running, csr });
      assert.ok(answer.ok, JSON.stringify(answer));
      await identity.take(present(answer.value.credentials, 'a certificate at registration'));
    },
    checkIn: (identity: ReturnType<typeof secureClient>) =>
      identity
        .overMutualTls(httpNetwork(identity.client))
        .checkIn({ deviceId, sequence: ++sequence, running, state: 'idle' }),
    async credentials(): Promise<Credentials> {
      const kept = await loadCredentials(own);
      assert.ok(kept.ok && kept.value !== undefined);
      return kept.value;
    },
  };
}
