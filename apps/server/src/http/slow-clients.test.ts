// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { Schedule } from '../ports.ts';
import { answerBrokenRequests } from './broken-request.ts';
import { noCertificate } from './client-certificates.ts';
import { deviceListener } from './device-listener.ts';
import { DEVICE_TIMEOUTS } from './listen.ts';

const NEVER: Schedule = { after: () => () => {} };
const log = { info() {}, warn() {}, error() {} };
const noted: string[] = [];
const handler = { handle: async () => ({ status: 200, headers: {}, body: '{}' }) };
const http = createServer(
  { ...DEVICE_TIMEOUTS, headersTimeout: 300, connectionsCheckingInterval: 100 },
  deviceListener(handler, noCertificate, { log, schedule: NEVER }),
);
answerBrokenRequests(http, (code) => void noted.push(code));
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
const { port } = http.address() as AddressInfo;
after(() => {
  http.closeAllConnections();
  http.close();
});

/** Sends this, then a line now and then if there is one, and reads until the server hangs up. */
async function answerTo(first: string, drip?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  // A peer that is cut while it still sends sees a reset.
  socket.on('error', () => {});
  if (first !== '') socket.write(first);
  const timer = drip === undefined ? undefined : setInterval(() => socket.writable && socket.write(drip), 50);
  try {
    return await text(socket);
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
}

test('a head that drips is answered by name and cut (slowloris)', async () => {
  const answer = await answerTo('POST /v1/check-in HTTP/1.1\r\nhost: a\r\n', 'x-drip: 1\r\n');
  assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
  assert.ok(noted.includes('request-timeout'));
});

test('a connection that is opened and says nothing is cut', async () => {
  const before = noted.length;
  await answerTo('');
  assert.deepEqual(noted.slice(before), ['request-timeout']);
});

test('a flood of headers is answered by name and cut', async () => {
  const headers = Array.from({ length: 2_000 }, (_, number) => `x-header-${number}: ${number}\r\n`).join('');
  const answer = await answerTo(`GET /health/live HTTP/1.1\r\n${headers}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 431 [\s\S]*"code":"headers-too-large"/);
  assert.ok(noted.includes('headers-too-large'));
});

test('a body that promises more than a message may have is answered by name and cut before it comes', async () => {
  const head = `POST /v1/check-in HTTP/1.1\r\nhost: a\r\ncontent-length: ${REQUEST_BYTES_MAX + 1}\r\n\r\n`;
  const socket = connect(port, '127.0.0.1');
  socket.write(head);
  const [chunk] = await socket.take(1).toArray();
  socket.destroy();
  assert.match(String(chunk), /^HTTP\/1\.1 413 [\s\S]*"code":"body-too-large"/);
});
