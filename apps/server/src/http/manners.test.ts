// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { monotonicClock, wallClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { LOAD_LIMITS } from '@outrider/domain/gateway/shedding';
import { durationMs } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer, type Server } from '../compose.ts';
import type { Schedule } from '../ports.ts';
import { rehearse } from '../rehearsal.ts';
import { noCertificate } from './client-certificates.ts';
import { type ConnectionGate, connectionGate } from './connection-gate.ts';
import { deviceListener } from './device-listener.ts';
import { listen } from './listen.ts';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};
const TOKEN = 'an-admin-token-of-this-test';

/** A server of its own on the clocks of this machine, with a port that devices and people come by. */
async function open(
  limits = LOAD_LIMITS,
  schedule = timers,
  connections?: ConnectionGate,
): Promise<{ readonly url: string; readonly server: Server }> {
  const { conductor: _, ...ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule }).ports;
  const clocks = { fleetClock: wallClock(), machineClock: monotonicClock() };
  const server = composeServer({ ...ports, ...clocks, loadLimits: limits });
  await server.drain();
  server.start();
  const listening = await listen({
    ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText(TOKEN), digestText },
    ...{ schedule: timers, log: ports.log },
    ...(connections === undefined ? {} : { connections }),
  });
  assert.ok(listening.ok);
  after(async () => {
    await listening.value.close();
    await server.close();
  });
  return { url: listening.value.url, server };
}

async function post(url: string, path: string) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { code } = (await response.json()) as { readonly code: string };
  return { status: response.status, code, retryAfter: response.headers.get('retry-after') };
}

const BUSY = { ...LOAD_LIMITS, loopDelayMaxMs: 60 };

test('a gateway whose event loop is late for long turns check-ins away, then is there again', async () => {
  // A loop that is late is one whose timers are; keeping this process busy would make the test's own requests late as well.
  let lateMs = 0;
  const lateTimers: Schedule = { after: (delayMs, work) => timers.after(durationMs(delayMs + lateMs), work) };
  const { url, server } = await open(BUSY, lateTimers);
  // A machine with other work may be late by itself for a moment.
  await until(
    () => post(url, '/v1/check-in'),
    ({ code }) => code !== 'gateway-busy',
  );
  lateMs = 150;
  try {
    const answer = await until(
      () => post(url, '/v1/check-in'),
      ({ code }) => code === 'gateway-busy',
    );
    assert.equal(answer.status, 503);
    const [afterS, report, ready] = [
      Number(answer.retryAfter),
      await post(url, '/v1/report'),
      await fetch(`${url}/health/ready`),
    ];
    assert.ok(afterS >= 2 && afterS <= 601, `Retry-After is ${answer.retryAfter}`);
    assert.equal(ready.status, 200);
    assert.notEqual(report.status, 500);
    const paused = await fetch(`${url}/api/v1/scopes/pause`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ scope: 'global', reason: 'overload' }),
    });
    assert.equal(paused.status, 200, 'a pause goes through');
    assert.ok((server.recorder.counters.read().shed?.['check-in'] ?? 0) >= 1);
  } finally {
    lateMs = 0;
  }
  const answer = await until(
    () => post(url, '/v1/check-in'),
    ({ code }) => code !== 'gateway-busy',
  );
  assert.notEqual(answer.status, 503);
});

test('requests that wait make a gateway full: check-ins are turned away while a report is taken on', async () => {
  const { url, server } = await open({ ...LOAD_LIMITS, loopDelayMaxMs: 3_600_000, reportsUnderWayMax: 1 });
  const underWay = server.handleDevice({
    method: 'POST',
    path: '/v1/report',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const shed = server.handleDeviceAtOnce({ method: 'POST', path: '/v1/check-in', headers: {}, body: '{}' });
  assert.equal((await shed)?.code, 'gateway-busy');
  assert.equal(server.handleDeviceAtOnce({ method: 'POST', path: '/v1/report', headers: {}, body: '{}' }), undefined);
  await underWay;
  assert.notEqual((await post(url, '/v1/check-in')).code, 'gateway-busy');
});

test('check-ins come by no more connections of one address than are allowed, and by the address a balancer names', async () => {
  const refused: string[] = [];
  const gate = connectionGate({
    rules: { perAddressMax: 1, proxies: ['127.0.0.9'], uncapped: [] },
    ...{ schedule: timers, onRefused: (reason) => void refused.push(reason) },
  });
  const { url } = await open(LOAD_LIMITS, timers, gate);
  const checkIn = (header = '') =>
    `${header}POST /v1/check-in HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
  const say = (localAddress: string, what: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), localAddress });
      after(() => socket.destroy());
      socket.on('error', () => {});
      socket.once('data', (part) => resolve(String(part)));
      socket.once('close', () => resolve(''));
      socket.write(what);
    });
  assert.match(await say('127.0.0.2', checkIn()), /^HTTP\/1\.1 4/);
  assert.equal(await say('127.0.0.2', checkIn()), '');
  for (const device of ['203.0.113.1', '203.0.113.2']) {
    assert.match(await say('127.0.0.9', checkIn(`PROXY TCP4 ${device} 127.0.0.1 1 2\r\n`)), /^HTTP\/1\.1 4/);
  }
  assert.equal(await say('127.0.0.9', checkIn('PROXY TCP4 203.0.113.1 127.0.0.1 1 2\r\n')), '');
  assert.deepEqual(refused, ['connections-per-address', 'connections-per-address']);
});

test('a body that drips is answered by name and cut, and costs those who are quick nothing', async () => {
  const handler = { handle: async () => ({ status: 200, headers: {}, body: '{}' }) };
  const log = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers }).ports.log;
  const http = createServer(deviceListener(handler, noCertificate, { log, schedule: timers, bodyMs: durationMs(400) }));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  after(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  after(() => socket.destroy());
  socket.write(
    'POST /v1/check-in HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n',
  );
  const drip = setInterval(() => socket.writable && socket.write('x'), 50);
  socket.on('error', () => {});
  const answer = await text(socket).finally(() => clearInterval(drip));
  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(answer, /"code":"request-timeout"/);
  assert.match(answer, /connection: close/i);
  const quick = await fetch(`http://127.0.0.1:${port}/v1/check-in`, { method: 'POST', body: '{}' });
  assert.equal(quick.status, 200);
});

/** Asks again until the answer is as wished; fails after a number of tries that no slow machine needs. */
async function until<T>(ask: () => Promise<T>, isWished: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const answer = await ask();
    if (isWished(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail('The answer did not come in 400 tries');
}
