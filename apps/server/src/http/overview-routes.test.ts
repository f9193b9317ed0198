// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { parseOverview } from '@outrider/protocol/decision/overview';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import { WATCHERS_MAX } from '../observability/overview-stream.ts';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';
import { listen } from './listen.ts';

const TOKEN = 'an-admin-token-of-this-test';

const timers: Schedule = {
  after(delayMs, work) {
    // A second of the stream is a hundredth of one here.
    const timer = setTimeout(work, delayMs / 100);
    return () => clearTimeout(timer);
  },
};

const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
const server = composeServer({ ...rehearsal.ports, machineClock: monotonicClock() });
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText(TOKEN), digestText },
  ...{ schedule: timers, log: rehearsal.ports.log },
});
assert.ok(listening.ok);
const { url, close } = listening.value;
let isClosed = false;
after(async () => {
  if (!isClosed) await close();
  await server.close();
});

test('one answer has funnel, exposure, evidence, decisions, devices and the server, as its reader expects them', async () => {
  const former = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(former))).ok);
  const device = rehearsedDevice({
    deviceId: 'camera-1',
    hardwareId: 'rev-a',
    factory: former,
    tags: ['dogfood'],
    isHealthy: () => true,
    send: sendTo(server),
  });
  assert.equal((await device.register()).status, 201);
  const newer = await manifestOf(server, '1.1.0', former);
  assert.ok((await server.releases.publish(signed(newer))).ok);
  await startRollout(server, planOf(newer));
  await server.drain();
  const offer = await device.checkIn();
  assert.ok(offer.kind === 'offer');
  await device.askPermit(offer);
  assert.ok((await server.step(fleetInstant(rehearsal.now() + 600_000))).ok);

  const overview = await read();
  const [rollout] = overview.rollouts;
  assert.deepEqual([rollout?.state, rollout?.funnel.permitted, rollout?.exposure?.granted], ['running', 1, 1]);
  assert.deepEqual(
    rollout?.segments.map(({ segment, granted }) => [segment, granted]),
    [['rev-a', 1]],
  );
  assert.ok(rollout?.figures.some((one) => one.metric === 'revert' && one.threshold > one.lnE));
  assert.equal(overview.decisions[0]?.rolloutId, rollout?.rolloutId);
  assert.deepEqual([overview.devices?.total, overview.rolloutCount], [1, 1]);
  assert.deepEqual([overview.vitals.isFresh, overview.vitals.database.isReachable], [true, true]);
  assert.deepEqual([overview.vitals.permitLatency.count, overview.vitals.requestLatency.count], [1, 3]);
});

test('a watcher that goes away leaves nothing behind', async () => {
  const leaving = new AbortController();
  const response = await fetch(`${url}/api/v1/overview/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  assert.equal(server.overviewStream.watcherCount(), 1);
  leaving.abort();
  await untilNobodyWatches();
});

test('a live stream sends an overview a second, and ends with a whole event when the server stops', async () => {
  const response = await get('/overview/stream');
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  let text = '';
  for await (const part of response.body ?? []) {
    text += Buffer.from(part).toString();
    if (text.split('event: overview').length > 3 && !isClosed) {
      isClosed = true;
      void close();
    }
  }
  const events = text.split('\n\n').filter((event) => event.includes('event: overview'));
  assert.ok(events.length >= 3);
  for (const event of events) assert.ok(parseOverview(/^data: (.*)$/m.exec(event)?.[1] ?? '').ok);
  assert.ok(text.endsWith('\n\n'), 'no event is cut in two');
  await untilNobodyWatches();
});

async function untilNobodyWatches(): Promise<void> {
  for (let tries = 0; server.overviewStream.watcherCount() > 0; tries++) {
    assert.ok(tries < 500, 'the stream of a watcher that is gone ends');
    await elapse(10);
  }
}

test('more people than a server can bear are turned away by name, and a place that is left can be taken', async () => {
  const streams = Array.from({ length: WATCHERS_MAX }, () => server.overviewStream.watch());
  for (const stream of streams) await stream?.next();
  assert.equal(server.overviewStream.watch(), undefined);
  await streams[0]?.return(undefined);
  assert.notEqual(server.overviewStream.watch(), undefined);
  for (const stream of streams) await stream?.return(undefined);
  assert.equal(server.overviewStream.watcherCount(), 0);
});

test('a server that closes ends who watches it, and takes no further ones', async () => {
  const { ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
  const closing = composeServer({ ...ports, machineClock: monotonicClock() });
  const stream = closing.overviewStream.watch();
  assert.ok(stream);
  for (let events = 0; events < 2; events++) assert.equal((await stream.next()).done, false);
  const waiting = stream.next();
  await closing.close();
  assert.equal((await waiting).done, true);
  assert.equal(closing.overviewStream.watch(), undefined);
});

async function read() {
  const response = await get('/overview');
  const parsed = parseOverview(await response.text());
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function get(path: string): Promise<Response> {
  return fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
}
