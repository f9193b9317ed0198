// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { CA_FOLDER, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { tlsMaterial } from '@outrider/adapters/server/ca/tls-material';
import { monotonicClock, wallClock } from '@outrider/adapters/shared/clock';
import { durationMs } from '@outrider/domain/kernel/time';
import type { Schedule } from '../ports.ts';
import { type ConnectionRules, connectionGate } from './connection-gate.ts';
import { paceHandshakes } from './handshake-pace.ts';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

async function open(
  rules: Partial<ConnectionRules>,
  proxyHeaderMs = durationMs(20_000),
  http: HttpServer = createServer(),
) {
  const refused: string[] = [];
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => response.end(`answer to ${body}`));
  });
  const gate = connectionGate({
    rules: { perAddressMax: 0, proxies: [], uncapped: [], ...rules },
    ...{ schedule: timers, onRefused: (reason) => void refused.push(reason), proxyHeaderMs },
  });
  gate.guard(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  after(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  function from(localAddress: string): Socket {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.on('error', () => {});
    after(() => socket.destroy());
    return socket;
  }
  return { refused, from, http };
}

const POST = 'POST /v1/check-in HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello';
const LAST = POST.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n');

/** The first answer over a connection that stays open. */
async function ask(socket: Socket, request = POST): Promise<string> {
  socket.write(request);
  let answer = '';
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    answer += part;
    if (answer.endsWith('hello')) return answer;
  }
  return answer;
}

test('an address with too many connections gets no more, others are served, and one that hangs up makes room', async () => {
  const { refused, from } = await open({ perAddressMax: 2 });
  const [first, second] = [from('127.0.0.2'), from('127.0.0.2')];
  assert.match(await ask(first), /answer to hello/);
  assert.match(await ask(second), /answer to hello/);
  assert.equal(await ask(from('127.0.0.2')), '', 'the third is ended without an answer');
  assert.deepEqual(refused, ['connections-per-address']);
  assert.match(await ask(from('127.0.0.3')), /200 OK/, 'another address is served');
  assert.match(await ask(first), /200 OK/, 'and so are the connections that are there');
  const closed = new Promise((resolve) => second.once('close', resolve));
  second.destroy();
  await closed;
  let answer = '';
  for (let tries = 0; answer === '' && tries < 200; tries++) answer = await ask(from('127.0.0.2'));
  assert.match(answer, /200 OK/);
});

test('the address of the balancer is not counted', async () => {
  const { refused, from } = await open({ perAddressMax: 1, uncapped: ['127.0.0.9'] });
  for (let count = 0; count < 5; count++) assert.match(await ask(from('127.0.0.9')), /200 OK/);
  assert.deepEqual(refused, []);
});

test('behind a balancer with the PROXY protocol the device counts, in both versions', async () => {
  const { refused, from } = await open({ perAddressMax: 1, proxies: ['127.0.0.9'] });
  const line = (device: string) => `PROXY TCP4 ${device} 127.0.0.1 1 2\r\n`;
  const binary = (device: readonly number[]) =>
    Buffer.from([
      ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12],
      ...[...device, 127, 0, 0, 1, 0, 1, 0, 2],
    ]).toString('latin1');
  assert.match(await ask(from('127.0.0.9'), line('203.0.113.1') + POST), /200 OK/);
  assert.match(await ask(from('127.0.0.9'), line('203.0.113.2') + POST), /200 OK/);
  assert.equal(await ask(from('127.0.0.9'), line('203.0.113.1') + POST), '');
  const fourth = from('127.0.0.9');
  fourth.setDefaultEncoding('latin1');
  // The header in two pieces, the request with the second.
  const header = binary([203, 0, 113, 4]);
  fourth.write(header.slice(0, 9));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(await ask(fourth, header.slice(9) + POST), /200 OK/);
  const fifth = from('127.0.0.9');
  fifth.setDefaultEncoding('latin1');
  assert.equal(await ask(fifth, binary([203, 0, 113, 4]) + POST), '');
  assert.deepEqual(refused, ['connections-per-address', 'connections-per-address']);
});

test('before TLS too the balancer names the device, and the handshake follows the header', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrider-gate-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const order = { name: 'Gate', serverNames: ['127.0.0.1', 'localhost'], nowMs: wallClock().now(), lives: CA_LIVES };
  await writeOnlineCa(folder, makeRoot(order), order);
  const loaded = await loadCaFolder({ folder: join(folder, CA_FOLDER) });
  assert.ok(loaded.ok && loaded.value !== undefined);
  const files = loaded.value;
  const https = createTlsServer({ ...tlsMaterial(files), minVersion: 'TLSv1.3' });
  paceHandshakes(https, { machineClock: monotonicClock(), onRefused: () => assert.fail('cut off') });
  const { refused, from } = await open({ perAddressMax: 1, proxies: ['127.0.0.9'] }, durationMs(20_000), https);
  async function askBehind(device: string): Promise<string> {
    const socket = from('127.0.0.9');
    socket.write(`PROXY TCP4 ${device} 127.0.0.1 1 2\r\n`);
    const tls = connectTls({ socket, ca: files.roots.map((one) => pemOf(one.raw)), servername: 'localhost' });
    tls.on('error', () => {});
    return ask(tls);
  }
  assert.match(await askBehind('203.0.113.1'), /200 OK/);
  assert.match(await askBehind('203.0.113.2'), /200 OK/);
  assert.doesNotMatch(await askBehind('203.0.113.1').catch(() => ''), /200 OK/);
  assert.deepEqual(refused, ['connections-per-address']);
});

test('nobody but a balancer names the address of another, and a balancer that names none is found out', async () => {
  const { refused, from } = await open({ perAddressMax: 9, proxies: ['127.0.0.9'] });
  assert.match(
    await text(written(from('127.0.0.5'), `PROXY TCP4 203.0.113.1 127.0.0.1 1 2\r\n${LAST}`)),
    /400 Bad Request/,
  );
  assert.equal(await text(written(from('127.0.0.9'), LAST)), '');
  const impatient = await open({ perAddressMax: 9, proxies: ['127.0.0.9'] }, durationMs(50));
  assert.equal(await text(impatient.from('127.0.0.9')), '');
  assert.deepEqual([...refused, ...impatient.refused], ['proxy-header-malformed', 'proxy-header-late']);
});

function written(socket: Socket, what: string): Socket {
  socket.write(what);
  return socket;
}
