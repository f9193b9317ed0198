// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { CaFiles } from '@outrider/adapters/server/ca/ca-folder';
import { openDeviceCa } from '@outrider/adapters/server/ca/device-ca';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { makeCertificate, pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { publicKeyInfo } from '@outrider/adapters/shared/ed25519';
import { makeCertificateRequest } from '@outrider/adapters/shared/x509/certificate-request';
import { nameOf, subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { composeServer, type Server } from '../compose.ts';
import { openCa } from '../installation/open-ca.ts';
import type { Schedule, ServerPorts } from '../ports.ts';
import { rehearse, SOON } from '../rehearsal.ts';
import { codeOf, newKey, tlsDevice } from './rehearsed-tls-device.ts';
import { ddiThroughTerminator } from './terminator-ddi-rehearsal.ts';
import { type WakeListener, wakeListener } from './wake-listener.ts';

/** A gateway behind something that ends TLS: this very program, or a proxy in front of it. */
export interface RehearsedTerminator {
  readonly port: number;
  close(): Promise<void>;
}

export interface TerminatorWorld {
  readonly server: Server;
  readonly files: CaFiles;
  readonly ports: ServerPorts;
  readonly wakes: WakeListener;
  readonly folder: string;
}

/** How soon every gateway must know of a revocation. */
const REVOKED_WITHIN_MS = 5_000;

/**
 * What everything that ends mutual TLS must do, on real sockets: on new connections, on sessions that are taken up again and on
 * connections that stay open. `unknownCa`: how a certificate of another CA is refused.
 */
export function terminatorContract(
  name: string,
  {
    open,
    unknownCa,
    cutAfterMs,
    stores,
  }: {
    readonly open: (world: TerminatorWorld) => Promise<RehearsedTerminator>;
    readonly unknownCa: 'answer' | 'handshake';
    /** A connection on which no handshake comes, or only a part of one, is closed after that long. */
    readonly cutAfterMs: number;
    /** In memory, empty. */
    readonly stores: Pick<ServerPorts, 'store' | 'blobs'>;
  },
): void {
  describe(`mutual TLS ended by ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outrider-tls-'));
    const order = { name: 'Acme', serverNames: ['127.0.0.1'], nowMs: wallClock().now(), lives: CA_LIVES };
    const root = makeRoot(order);
    await writeOnlineCa(folder, root, order);
    const { ports } = rehearse({ ...stores, schedule: SOON });
    const ca = present(await openCa(folder, 365, ports.log), 'the CA that was just made');
    // Two gateways on one store, each with a terminator of its own.
    const worlds = ['one', 'two'].map((part) => {
      const server = composeServer({ ...ports, ...ca.ports });
      const wakes = wakeListener({ wakes: server.wakes, schedule: NEVER, log: ports.log });
      return { server, files: ca.files, ports, wakes, folder: join(folder, part) };
    });
    const terminators = await Promise.all(worlds.map(open));
    after(async () => {
      await Promise.all(terminators.map((one) => one.close()));
      await rm(folder, { recursive: true, force: true });
    });
    const [first, second] = worlds.map((one) => one.server) as [Server, Server];
    const [port, otherPort] = terminators.map((one) => one.port) as [number, number];
    await Promise.all([first.drain(), second.drain()]);
    const issuerName = subjectIn(ca.files.issuing[0].raw);
    const roots = ca.files.roots.map((one) => one.toString()).join('');

    // Begun first and looked at last: they take their time.
    const halfOpen = [NO_BYTES, HALF_A_RECORD, NO_TLS].map((begun) => closedAfter(port, begun));

    async function registered(id: string) {
      const device = tlsDevice(id, roots);
      const { token } = await first.identities.createToken({ author: 'ada', usesMax: 1, hours: 1 });
      await device.register(port, token);
      return device;
    }

    test('a device registers without a certificate, and then speaks by its certificate without a signature', async () => {
      const device = await registered('camera-1');
      assert.equal((await device.checkIn(port)).status, 200);
      const without = await device.checkIn(port, { isCertified: false });
      assert.deepEqual([without.status, codeOf(without)], [400, 'body-malformed'], 'nobody speaks with neither');
      const signed = await device.checkIn(port, { isCertified: false, isSigned: true });
      assert.equal(signed.status, 200);
    });

    test('nobody can say whose certificate it is but who verified it', async () => {
      const device = await registered('camera-2');
      const forged = { 'outrider-certificate-device': 'camera-1', 'outrider-certificate-verify': '0' };
      const extra = { 'outrider-certificate-serial': '1', 'outrider-certificate-sha256': 'a'.repeat(64) };
      const claimed = await device.checkIn(port, { headers: { ...forged, ...extra }, isCertified: false });
      assert.notEqual(claimed.status, 200, claimed.body);
      const other = await device.checkIn(port, { as: 'camera-1' });
      assert.deepEqual([other.status, codeOf(other)], [403, 'device-mismatch']);
    });

    test('blobs, files of the repositories and the health of the gateway are asked for through it', async () => {
      const device = await registered('camera-6');
      const asked = ['/blobs/none', '/repo/image/none.json', '/health/live'];
      const [blob, document, health] = await Promise.all(asked.map((path) => device.ask(port, path)));
      assert.match(blob?.body ?? '', /"code":/, 'the gateway says what is wrong, and not a proxy');
      assert.equal(codeOf(present(document, 'an answer')), 'document-unknown');
      assert.equal(health?.status, 200);
    });

    test('a device that listens over a WebSocket is reached until its key is revoked', async () => {
      const device = await registered('camera-7');
      const listening = device.listen(port);
      await until(() => first.wakes.count() > 0, 'the device listens');
      const change = { author: 'ada', kind: 'device-revoked', deviceId: device.deviceId, reason: 'stolen' } as const;
      assert.ok((await first.identities.changeKey(change)).ok);
      await first.drain();
      const ended = await listening;
      assert.match(ended.ok ? '' : ended.error.detail, /1008 revoked/);
    });

    test('the certificate of a connection may be for a key of P-256 or RSA, and is enough for a check-in and nothing more', async () => {
      const device = await registered('camera-8');
      const headers = { 'content-type': 'application/json' };
      for (const key of [newKey('p-256'), newKey('rsa')]) {
        const named = { deviceId: device.deviceId, key };
        const chain = issue(named, { name: issuerName, key: ca.files.issuingKey });
        assert.equal((await device.checkIn(port, { chain, key })).status, 200);
        const report = await device.ask(port, '/v1/report', { method: 'POST', body: '{}', headers, chain, key });
        assert.deepEqual([report.status, codeOf(report)], [400, 'body-malformed'], 'a report is signed all the same');
        const former = issue({ ...named, keyId: 'f'.repeat(64) }, { name: issuerName, key: ca.files.issuingKey });
        const superseded = await device.checkIn(port, { chain: former, key });
        assert.deepEqual([superseded.status, codeOf(superseded)], [401, 'certificate-superseded']);
      }
      const csr = makeCertificateRequest(device.deviceId, newKey('p-256'));
      const { deviceId } = device;
      const refused = await device.post(port, '/v1/certificate', JSON.stringify({ deviceId, csr }));
      assert.deepEqual([refused.status, codeOf(refused)], [422, 'key-kind-unsupported']);
    });

    ddiThroughTerminator({ server: first, port: () => port, roots });

    test('a certificate of another CA, one of a server and one that has run out are refused, the last by name', async () => {
      const stranger = makeRoot({ ...order, name: 'Mallory' });
      const device = tlsDevice('camera-1', roots);
      const forged = issue(device, { name: nameOf({ commonName: 'Acme devices' }), key: stranger.key });
      const refused = await device.checkIn(port, { chain: forged }).catch((cause: Error) => cause.message);
      if (unknownCa === 'handshake') assert.match(String(refused), /unknown ca|ECONNRESET|socket hang up/);
      else assert.equal(typeof refused === 'string' ? refused : codeOf(refused), 'certificate-unknown-ca');
      const server = { chain: ca.files.server.map((one) => one.toString()).join(''), key: ca.files.serverKey };
      const asServer = await device.checkIn(port, server).catch((cause: Error) => cause.message);
      assert.ok(typeof asServer === 'string' || asServer.status === 401, JSON.stringify(asServer));
      const past = { now: () => fleetInstant(wallClock().now() - 400 * DAY_MS) };
      const sleeper = await registered('camera-3');
      const { deviceId, key, publicKey } = sleeper;
      const csr = makeCertificateRequest(deviceId, key);
      const old = openDeviceCa({ files: ca.files, clock: past, lifeDays: 365 }).issue({ csr, deviceId, publicKey });
      assert.ok(old.ok);
      const expired = await sleeper.checkIn(port, { chain: old.value.chain });
      assert.deepEqual([expired.status, codeOf(expired)], [401, 'certificate-expired']);
    });

    test('a session is taken up again, at the other gateway too, and its device is still known', async () => {
      const device = await registered('camera-4');
      const { session } = await device.checkIn(port);
      assert.ok(session !== undefined, 'a ticket was given');
      for (const one of [port, otherPort]) {
        const resumed = await device.checkIn(one, { session });
        assert.deepEqual(
          [resumed.status, resumed.isResumed],
          [200, true],
          `port ${one === port ? 1 : 2}: ${resumed.body}`,
        );
      }
    });

    test('a connection on which no handshake comes, half of one or something else, is cut', async () => {
      for (const elapsed of await Promise.all(halfOpen)) {
        assert.ok(elapsed < cutAfterMs + LATE_MS, `after ${elapsed} ms, ${cutAfterMs} were promised`);
      }
    });

    test('a revocation holds within five seconds on new, resumed and open connections, at every gateway', async () => {
      const device = await registered('camera-5');
      const kept = [port, otherPort].map((one) => device.keptConnection(one));
      for (const connection of kept) assert.equal((await connection.checkIn()).status, 200);
      const { session } = await device.checkIn(port);
      const change = { author: 'ada', kind: 'device-revoked', deviceId: device.deviceId, reason: 'stolen' } as const;
      const began = wallClock().now();
      assert.ok((await first.identities.changeKey(change)).ok);
      // As production does every half second.
      await second.drain();
      const answers = [
        ...(await Promise.all(kept.map((connection) => connection.checkIn()))),
        ...(await Promise.all([port, otherPort].map((one) => device.checkIn(one)))),
        await device.checkIn(port, { session }),
        await device.checkIn(otherPort, { session }),
      ];
      assert.ok(wallClock().now() - began < REVOKED_WITHIN_MS);
      assert.deepEqual(
        answers.map((one) => [one.status, codeOf(one)]),
        answers.map(() => [403, 'device-revoked']),
      );
      assert.deepEqual(
        answers.map((one) => one.isResumed),
        [false, false, false, false, true, true],
      );
      for (const connection of kept) connection.close();
    });
  });

  function issue(
    { deviceId, keyId, key }: { readonly deviceId: DeviceId; readonly keyId?: string; readonly key: KeyObject },
    signer: { readonly name: Uint8Array; readonly key: KeyObject },
  ): string {
    const nowMs = wallClock().now();
    const made = makeCertificate(
      {
        subject: { commonName: deviceId, ...(keyId === undefined ? {} : { keyId }) },
        subjectKey: publicKeyInfo(key),
        notBeforeMs: nowMs - DAY_MS,
        notAfterMs: nowMs + DAY_MS,
        use: { kind: 'device' },
      },
      signer,
    );
    return pemOf(made.der);
  }
}

const NO_BYTES = Buffer.alloc(0);
/** The head of a handshake record (RFC 8446 §5.1) that promises 512 bytes, and two of them. */
const HALF_A_RECORD = Buffer.from([22, 3, 1, 2, 0, 1, 0]);
const NO_TLS = Buffer.from('GET / HTTP/1.1\r\nhost: gateway\r\n\r\n');
/** The machine may be busy; what has no limit would be open for hours. */
const LATE_MS = 40_000;

/** How long it takes until the other side closes a connection that begins so and says no more. */
function closedAfter(port: number, begun: Buffer): Promise<number> {
  const openedAt = wallClock().now();
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => void socket.write(begun));
    socket.on('error', () => {});
    socket.on('close', () => resolve(wallClock().now() - openedAt));
    socket.resume();
  });
}

/** Connections that are listened to are not probed within a rehearsal. */
const NEVER: Schedule = { after: () => () => {} };

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 3_000, what);
    await delay(10);
  }
}
