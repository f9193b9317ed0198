// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { closeServer, openPort } from './open-port.ts';

const HERE = '127.0.0.1';
const CLIENTS = 160;

test('of those who connect in one moment a turn of the event loop takes more than one', async (t) => {
  if (process.platform !== 'linux') return t.skip('ports are shared on Linux');
  const http = createServer();
  let taken = 0;
  http.on('connection', () => taken++);
  const opened = await openPort(http, HERE, 0, '--port');
  assert.ok(opened.ok);
  const { port, close } = opened.value;
  // The kernel sets all of them up at once; the server is not asked.
  const clients: Socket[] = Array.from({ length: CLIENTS }, () => connect(port, HERE));
  for (const client of clients) client.on('error', () => {});
  let turns = 0;
  while (taken < CLIENTS && turns < 10 * CLIENTS) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  for (const client of clients) client.destroy();
  await close();
  assert.equal(taken, CLIENTS);
  // By one socket it would be a turn for each.
  assert.ok(turns < CLIENTS / 2, `${CLIENTS} connections took ${turns} turns`);
});

test('a port that somebody listens at is in use, also for a server that shares it among its own sockets', async () => {
  const [first, second] = [createServer(), createServer()];
  const opened = await openPort(first, HERE, 0, '--port');
  assert.ok(opened.ok);
  const { port, close } = opened.value;
  const refused = await openPort(second, HERE, port, '--tls-port');
  assert.ok(!refused.ok);
  assert.equal(refused.error.code, 'port-in-use');
  assert.match(refused.error.detail, /choose another with --tls-port/);
  await close();
  // All its sockets are gone, or this one would be told the same.
  const again = await openPort(second, HERE, port, '--port');
  assert.ok(again.ok);
  await again.value.close();
});

test('a port of a plain server is in use too', async () => {
  const plain = createServer();
  await new Promise<void>((resolve) => plain.listen({ host: HERE, port: 0 }, resolve));
  const address = plain.address();
  assert.ok(address !== null && typeof address === 'object');
  const refused = await openPort(createServer(), HERE, address.port, '--port');
  assert.ok(!refused.ok && refused.error.code === 'port-in-use');
  await closeServer(plain);
});
