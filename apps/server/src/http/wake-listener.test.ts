// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { keptConnections } from '@outrider/adapters/device/http-client';
import { heldRequestLine, wakeSocketLine } from '@outrider/adapters/device/wake-line';
import { monotonicClock, wallClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { durationMs } from '@outrider/domain/kernel/time';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { composeServer } from '../compose.ts';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed, signerOf, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';
import { listen } from './listen.ts';
import { wakeListener } from './wake-listener.ts';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Two gateways of one installation; notices between them may be lost: then they look by themselves. */
const store = memoryStore();
const blobs = memoryBlobs();
const followers = new Set<() => void>();
const notices: PolicyNotices = {
  tell: () => {
    for (const look of followers) look();
  },
  follow(look) {
    followers.add(look);
    return () => void followers.delete(look);
  },
  close: async () => {},
};

async function gateway() {
  const { conductor: _, ...ports } = rehearse({ store, blobs, schedule: timers }).ports;
  const clocks = { fleetClock: wallClock(), machineClock: monotonicClock() };
  const server = composeServer({ ...ports, ...clocks, notices });
  await server.drain();
  server.start();
  const listening = await listen({
    ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText('admin'), digestText },
    ...{ schedule: timers, log: ports.log, drainDelayMs: durationMs(50) },
    wakes: wakeListener({ wakes: server.wakes, schedule: timers, log: ports.log }),
  });
  assert.ok(listening.ok);
  let isClosed = false;
  async function close(): Promise<void> {
    if (isClosed || !listening.ok) return;
    isClosed = true;
    await listening.value.close();
    await server.close();
  }
  after(close);
  return { server, close, url: new URL(listening.value.url) };
}

const [first, second] = [await gateway(), await gateway()];
const former = await manifestOf(first.server, '1.0.0');
assert.ok((await first.server.releases.publish(signed(former))).ok);
const newer = await manifestOf(first.server, '1.1.0', former);
assert.ok((await first.server.releases.publish(signed(newer))).ok);

async function device(deviceId: string, url = second.url) {
  const one = rehearsedDevice({
    ...{ deviceId, hardwareId: 'rev-a', factory: former, isHealthy: () => true, tags: ['dogfood'] },
    send: sendTo(first.server),
  });
  assert.equal((await one.register()).status, 201);
  const connections = keptConnections(url);
  after(() => connections.destroy());
  return { serverUrl: url, deviceId: one.deviceId, signer: signerOf(deviceId), connections };
}

/** Listens, and waits until it is listened to. */
async function listening(line: ReturnType<typeof wakeSocketLine>, at = second) {
  const begun = () => at.server.recorder.counters.read().wake?.listening ?? 0;
  const before = begun();
  let calls = 0;
  const ended = line(() => {
    calls++;
  });
  await until(() => begun() > before);
  return { ended, calls: () => calls };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 2_000, 'it did not come about');
    await elapse(10);
  }
}

test('devices that listen at another gateway are called by a start, by a pause and by its end', async () => {
  const socket = await listening(wakeSocketLine(await device('camera-1')));
  const held = await listening(heldRequestLine(await device('camera-2')));
  const plan = planOf(newer);
  await startRollout(first.server, plan);
  await until(() => socket.calls() > 0 && held.calls() > 0);
  assert.ok((await held.ended).ok, 'a request that was held back is answered');
  const started = socket.calls();
  assert.ok((await first.server.policy.pauseScope({ scope: 'global', reason: 'r', author: 'ada' })).ok);
  await until(() => socket.calls() > started);
  const paused = socket.calls();
  assert.ok((await first.server.policy.resumeScope({ scope: 'global', reason: 'r', author: 'ada' })).ok);
  await until(() => socket.calls() > paused);
});

test('a revoked device listens no more, and nobody listens under the name of another', async () => {
  const client = await device('camera-3');
  const socket = await listening(wakeSocketLine(client));
  const { deviceId } = client;
  assert.ok(
    (await first.server.identities.changeKey({ author: 'ada', kind: 'device-revoked', deviceId, reason: 'stolen' })).ok,
  );
  const ended = await socket.ended;
  assert.match(ended.ok ? '' : ended.error.detail, /1008 revoked/);
  assert.equal(socket.calls(), 0);
  for (const line of [wakeSocketLine, heldRequestLine]) {
    const again = await line(client)(() => assert.fail('called'));
    assert.equal(!again.ok && again.error.code, 'server-refused');
    const other = await line({ ...(await device(`camera-of-${line.name}`)), signer: signerOf('thief') })(() =>
      assert.fail('called'),
    );
    assert.equal(!other.ok && other.error.code, 'server-refused');
  }
});

test('the newest connection of a device is the one that is called', async () => {
  const client = await device('camera-4');
  const older = await listening(wakeSocketLine(client));
  const newest = wakeSocketLine(client);
  let calls = 0;
  void newest(() => {
    calls++;
  });
  const ended = await older.ended;
  assert.match(ended.ok ? '' : ended.error.detail, /replaced/);
  await first.server.policy.pauseScope({ scope: 'global', reason: 'r', author: 'ada' });
  await until(() => calls > 0);
  await first.server.policy.resumeScope({ scope: 'global', reason: 'r', author: 'ada' });
});

test('what is malformed, huge or cut in pieces ends its own connection, never the server, and is never a 5xx', async () => {
  const client = await device('camera-5', first.url);
  const { signature } = client.signer.sign('GET\n/v1/wake\n');
  const head = (more = '') =>
    `GET /v1/wake HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\noutrider-device: camera-5\r\noutrider-signature: ${signature}\r\n${more}\r\n`;
  const port = Number(client.serverUrl.port);
  /** What comes back: the head of the answer, and where the server is to end the connection all until it has. */
  async function said(request: string, rest: Uint8Array = new Uint8Array(0), isEnding = false): Promise<string> {
    const socket: Socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    let answer = '';
    let isEnded = false;
    socket.on('data', (part) => {
      answer += part.toString('latin1');
    });
    socket.once('close', () => {
      isEnded = true;
    });
    socket.write(request);
    await until(() => isEnded || answer.includes('\r\n\r\n'));
    // In pieces.
    for (let at = 0; at < rest.byteLength; at += 7_000) socket.write(rest.subarray(at, at + 7_000));
    if (isEnding) await until(() => isEnded || answer.slice(answer.indexOf('\r\n\r\n') + 4).length >= 4);
    else if (rest.byteLength > 0) await elapse(20);
    socket.destroy();
    return answer;
  }
  const opening = /^HTTP\/1\.1 101 /;
  assert.match(await said(head()), opening);
  const frames: readonly (readonly [string, Uint8Array])[] = [
    ['text, masked', Uint8Array.from([0x81, 0x82, 1, 2, 3, 4, 0x60, 0x60])],
    ['not masked', Uint8Array.from([0x81, 0x02, 0x61, 0x61])],
    ['reserved bits', Uint8Array.from([0xf1, 0x80, 0, 0, 0, 0])],
    ['unknown kind', Uint8Array.from([0x8f, 0x80, 0, 0, 0, 0])],
    ['a length of 2^63', Uint8Array.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a megabyte', Uint8Array.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, ...new Uint8Array(100_000)])],
    ['pieces without end', Uint8Array.from(Array.from({ length: 400 }, () => [0x01, 0x80, 1, 2, 3, 4]).flat())],
  ];
  for (const [what, bytes] of frames) {
    const answer = await said(head(), bytes, true);
    assert.match(answer, opening, what);
    // 0x88 begins a frame of closing; its first two bytes are the code.
    const closing = answer.slice(answer.indexOf('\r\n\r\n') + 4);
    assert.equal(closing.charCodeAt(0), 0x88, what);
  }
  for (const wrong of [
    head().replace('version: 13', 'version: 12'),
    head().replace(/sec-websocket-key: .*\r\n/, 'sec-websocket-key: short\r\n'),
    head().replace('GET', 'POST'),
    head().replace('camera-5', 'camera-unknown'),
    head().replace('/v1/wake', '/v1/wake/x'),
    head('content-length: 99999999\r\n'),
  ]) {
    const answer = await said(wrong);
    assert.match(answer, /^HTTP\/1\.1 (4\d\d|101) /, wrong.slice(0, 60));
    assert.doesNotMatch(answer, /^HTTP\/1\.1 5/);
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      assert.doesNotMatch(await said(head(), bytes), /HTTP\/1\.1 5\d\d/);
    }),
    { ...propertyOptions(), numRuns: 15 },
  );
  assert.equal(first.server.recorder.counters.read().problem?.['500'], undefined);
  const still = await listening(wakeSocketLine(client), first);
  await first.server.policy.pauseScope({ scope: 'global', reason: 'r', author: 'ada' });
  await until(() => still.calls() > 0);
  await first.server.policy.resumeScope({ scope: 'global', reason: 'r', author: 'ada' });
});

test('a gateway that stops sends those who listen elsewhere, and takes nobody new', async () => {
  const third = await gateway();
  const socket = await listening(wakeSocketLine(await device('camera-6', third.url)), third);
  const held = await listening(heldRequestLine(await device('camera-7', third.url)), third);
  const closing = third.close();
  const [one, other] = [await socket.ended, await held.ended];
  assert.match(one.ok ? '' : one.error.detail, /1012 elsewhere/);
  assert.match(other.ok ? '' : other.error.detail, /503/);
  assert.equal(!other.ok && other.error.retryAfterMs, 5_000);
  await closing;
  assert.equal(third.server.wakes.count(), 0);
  await first.close();
  await second.close();
});
