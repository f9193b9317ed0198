// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { ok } from '@outrider/domain/kernel/result';
import { type DeviceRequest, type DeviceResponse, jsonResponse } from '../gateway/device-request.ts';
import { SOON } from '../rehearsal.ts';
import { answerBrokenRequests } from './broken-request.ts';
import { checkInLane } from './check-in-lane.ts';
import { deviceListener } from './device-listener.ts';
import { drainGate } from './draining.ts';
import { DEVICE_TIMEOUTS } from './listen.ts';

const atOnce: string[] = [];
const later: string[] = [];
let isKept = true;
let release = () => {};
/** What each answer at once takes. */
let workMs = 0;

/** Answers with the body that came, and notes by which way. */
const handler = {
  handleAtOnce(request: DeviceRequest): DeviceResponse | undefined {
    if (!isKept) return undefined;
    atOnce.push(request.body);
    for (const until = performance.now() + workMs; performance.now() < until; );
    return jsonResponse(200, JSON.stringify({ body: request.body, boot: request.headers['outrider-boot'] }));
  },
  async handle(request: DeviceRequest): Promise<DeviceResponse> {
    later.push(`${request.method} ${request.path} ${request.body}`);
    await new Promise<void>((resolve) => {
      release = resolve;
      if (isKept) resolve();
    });
    return jsonResponse(200, JSON.stringify({ later: request.body }));
  },
};

const http = createServer({ ...DEVICE_TIMEOUTS, headersTimeout: 500, connectionsCheckingInterval: 100 });
answerBrokenRequests(http);
const gate = drainGate(SOON);
const certificateOf = () => ok(undefined);
const listener = deviceListener(handler, certificateOf, { log: { info() {}, warn() {}, error() {} }, schedule: SOON });
let byNode = 0;
const lane = checkInLane(http, { handler, certificateOf, gate, machineClock: monotonicClock() });
http.on('request', (request, response) => {
  byNode++;
  if (gate.admits(request, response)) listener(request, response);
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
const sockets: Socket[] = [];
after(() => {
  for (const socket of sockets) socket.destroy();
  lane.close();
  http.closeAllConnections();
  http.close();
});
beforeEach(() => {
  isKept = true;
  workMs = 0;
  byNode = 0;
  for (const list of [atOnce, later]) list.length = 0;
});

function opened(): { readonly socket: Socket; readonly untilSaid: (pattern: RegExp) => Promise<string> } {
  const socket = connect((http.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  let said = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    said += text;
  });
  socket.on('error', () => {});
  return {
    socket,
    async untilSaid(pattern) {
      while (!pattern.test(said)) await elapse(5);
      const all = said;
      said = '';
      return all;
    },
  };
}

async function untilClosed(socket: Socket): Promise<void> {
  while (!socket.closed) await elapse(5);
}

function checkIn(body: string, header = 'outrider-boot: b'): string {
  const head = `POST /v1/check-in HTTP/1.1\r\ncontent-type: application/json\r\n${header}\r\n`;
  return `${head}content-length: ${body.length}\r\n\r\n${body}`;
}

test('check-ins of one connection are answered one after the other, as node:http would write it', async () => {
  const { socket, untilSaid } = opened();
  for (const body of ['{"one":1}', '{"two":2}']) {
    socket.write(checkIn(body));
    const answer = await untilSaid(/\}$/);
    const [head = '', text = ''] = answer.split('\r\n\r\n');
    assert.deepEqual(JSON.parse(text), { body, boot: 'b' });
    const names = ['content-type: application/json', 'cache-control: no-store', `content-length: ${text.length}`];
    for (const field of ['HTTP/1.1 200 OK', ...names, 'connection: keep-alive', 'keep-alive: timeout=75']) {
      assert.ok(head.split('\r\n').includes(field), `${field} in ${head}`);
    }
    assert.match(head, /^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/m);
  }
  assert.deepEqual([atOnce.length, byNode], [2, 0]);
});

test('a check-in that comes in two pieces is answered once it is whole, one in more pieces by node:http', async () => {
  const text = checkIn('{"in":"pieces"}');
  for (const ends of [
    [90, text.length],
    [40, 90, text.length],
  ]) {
    const { socket, untilSaid } = opened();
    for (const [index, end] of ends.entries()) {
      socket.write(text.slice(ends[index - 1] ?? 0, end));
      await elapse(20);
    }
    assert.match(await untilSaid(/\}$/), /pieces/);
  }
  assert.equal(atOnce.length, 2);
});

test('a check-in that drips, byte by byte, is cut by the limits of node:http', async () => {
  const { socket, untilSaid } = opened();
  const drip = setInterval(() => socket.writable && socket.write('x'), 30);
  socket.write(checkIn('{"a":1}').slice(0, 60));
  try {
    assert.match(await untilSaid(/timeout"/), /408 [\s\S]*request-timeout/);
  } finally {
    clearInterval(drip);
  }
});

test('anything else goes to node:http, and what follows on that connection too', async () => {
  const { socket, untilSaid } = opened();
  socket.write(checkIn('{"first":1}'));
  await untilSaid(/first.*\}$/);
  const two = checkIn('{"second":2}') + checkIn('{"third":3}');
  socket.write(two);
  await untilSaid(/second[\s\S]*third.*\}$/);
  socket.write('POST /v1/report HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
  assert.match(await untilSaid(/abc/), /^HTTP\/1\.1 200 OK/);
  socket.write(checkIn('{"fourth":4}'));
  await untilSaid(/fourth.*\}$/);
  assert.deepEqual([atOnce.length, byNode], [5, 4]);
});

test('a connection that is silent, or stops in the middle, comes under the limits of node:http', async () => {
  const silent = opened();
  const stopped = opened();
  stopped.socket.write(checkIn('{"a":1}').slice(0, 60));
  const dripping = opened();
  dripping.socket.write(checkIn('{"whole":1}'));
  await dripping.untilSaid(/whole.*\}$/);
  dripping.socket.write(checkIn('{"a":1}').slice(0, 60));
  for (const { untilSaid } of [silent, stopped])
    assert.match(await untilSaid(/timeout"/), /408 [\s\S]*request-timeout/);
  // An answer has been written there before: nothing can be said in the middle of it, only cut.
  await untilClosed(dripping.socket);
});

test('a device that has to be read is answered by and by, and its next message waits for that', async () => {
  const { socket, untilSaid } = opened();
  isKept = false;
  socket.write(checkIn('{"cold":1}'));
  while (later.length === 0) await elapse(5);
  socket.write(checkIn('{"next":1}'));
  await elapse(30);
  assert.deepEqual(later, ['POST /v1/check-in {"cold":1}']);
  isKept = true;
  release();
  assert.match(await untilSaid(/next.*\}$/), /cold[\s\S]*next/);
  assert.deepEqual([atOnce, byNode], [['{"next":1}'], 0]);
});

test('a client that has said all it will say hears the answer, and the connection ends', async () => {
  const { socket, untilSaid } = opened();
  socket.end(checkIn('{"last":1}'));
  await untilSaid(/last.*\}$/);
  await untilClosed(socket);
});

test('of a crowd that one turn cannot serve all are answered, those who have said all and those who say more meanwhile', async () => {
  const crowd = Array.from({ length: 60 }, () => opened());
  for (const { socket, untilSaid } of crowd) {
    socket.write(checkIn('{"first":1}'));
    await untilSaid(/first.*\}$/);
  }
  workMs = 1;
  for (const [index, { socket }] of crowd.entries()) {
    if (index % 3 === 0) socket.end(checkIn(`{"crowd":${index}}`));
    else if (index % 3 === 1) socket.write(checkIn(`{"crowd":${index}}`));
    else {
      const text = checkIn(`{"crowd":${index}}`);
      socket.write(text.slice(0, 50));
      setImmediate(() => socket.write(text.slice(50)));
    }
  }
  for (const [index, { untilSaid }] of crowd.entries()) await untilSaid(new RegExp(`"crowd\\D+${index}\\D+$`));
  for (const [index, { socket }] of crowd.entries()) if (index % 3 === 0) await untilClosed(socket);
  assert.equal(atOnce.length + later.length, 2 * crowd.length);
});

test('a server that leaves ends each connection with its next answer, and closing ends those that are idle', async () => {
  const [idle, next] = [opened(), opened()];
  for (const { socket, untilSaid } of [idle, next]) {
    socket.write(checkIn('{"before":1}'));
    await untilSaid(/before.*\}$/);
  }
  gate.leave();
  next.socket.write(checkIn('{"leaving":1}'));
  assert.match(await next.untilSaid(/leaving.*\}$/), /^connection: close$/im);
  lane.close();
  await untilClosed(idle.socket);
});
