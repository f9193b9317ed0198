// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { readPlainCheckIn } from './plain-check-in.ts';

/** Tells what node:http makes of the bytes of a connection: each request that it finds in them. */
const http = createServer({ requireHostHeader: false }, async (request, response) => {
  const body = await text(request);
  const { method, url, headers } = request;
  response.end(`${JSON.stringify({ method, url, headers, body })}\n`);
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
after(() => {
  http.closeAllConnections();
  http.close();
});

async function byNode(bytes: Buffer): Promise<readonly unknown[]> {
  const socket = connect((http.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.end(bytes);
  const answers = await text(socket);
  return [...answers.matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line));
}

const LINE = 'POST /v1/check-in HTTP/1.1\r\n';
const request = (...headers: string[]) =>
  Buffer.from(`${LINE}${headers.map((one) => `${one}\r\n`).join('')}\r\n{"a":1}`);

test('a plain check-in is read as node:http reads it', async () => {
  const bytes = request(
    'Host: a',
    'content-type:application/json',
    'Outrider-Boot:  x ',
    'X-Way: 1',
    'content-length: 7',
  );
  const plain = readPlainCheckIn(bytes);
  assert.ok(typeof plain === 'object');
  const [seen] = await byNode(bytes);
  assert.deepEqual(seen, { method: 'POST', url: '/v1/check-in', headers: { ...plain.headers }, body: plain.body });
});

test('whatever could be read in two ways is left to node:http', () => {
  const others: readonly (readonly string[])[] = [
    ['content-length: 7', 'content-length: 7'],
    ['content-length: 7', 'Content-Length: 5'],
    ['content-length: 7', 'transfer-encoding: chunked'],
    ['content-length: 7', 'Transfer-Encoding : chunked'],
    ['content-length: 7', 'expect: 100-continue'],
    ['content-length: 7', 'connection: close'],
    ['content-length: 7', 'connection: upgrade'],
    ['content-length: 7', 'upgrade: websocket'],
    ['content-length: 7', 'a: b\n transfer-encoding: chunked'],
    ['content-length: 7', 'a: b\rtransfer-encoding: chunked'],
    ['content-length: 7', ' folded: line'],
    ['content-length: 7', 'no colon'],
    ['content-length: 7', ': no name'],
    ['content-length: 7', 'tab:\t1'],
    ['content-length: 07'],
    ['content-length: +7'],
    ['content-length: 0x7'],
    ['content-length: 7, 7'],
    ['content-length:'],
    ['content-length: 6'],
    ['content-length: 70000'],
    ['host: a'],
  ];
  for (const headers of others) assert.equal(readPlainCheckIn(request(...headers)), 'other', headers.join(' | '));
  assert.equal(readPlainCheckIn(Buffer.from('GET /health/live HTTP/1.1\r\n\r\n')), 'other');
  assert.equal(readPlainCheckIn(Buffer.concat([request('content-length: 7'), request('content-length: 7')])), 'other');
  assert.equal(readPlainCheckIn(Buffer.from(`${LINE}content-length: 2\r\n\r\n\u00e4`)), 'other');
});

test('a check-in that has come in part is waited for, whatever the part', () => {
  const whole = request('content-type: application/json', 'content-length: 7');
  for (let length = LINE.length; length < whole.length; length++) {
    assert.equal(readPlainCheckIn(whole.subarray(0, length)), 'incomplete', `${length} bytes`);
  }
});

test('of mutated requests, those that are read here are read by node:http as the same single request', async () => {
  const pieces = [
    LINE,
    'content-length',
    ':',
    ' ',
    '7',
    '\r\n',
    'host',
    ': a',
    'x',
    '{"a":1}',
    '0',
    '\n',
    '\r',
    '\t',
    ',',
  ];
  const words = [
    LINE,
    'host',
    ': a',
    '\r\n',
    'X-One',
    ':',
    ' 1',
    '\r\n',
    'content-length',
    ':',
    ' ',
    '7',
    '\r\n',
    '\r\n',
    '{"a":1}',
  ];
  const mutated = fc
    .array(
      fc.tuple(
        fc.nat(words.length),
        fc.nat(1),
        fc.array(fc.constantFrom(...pieces, 'te', 'connection'), { maxLength: 2 }),
      ),
      {
        maxLength: 3,
      },
    )
    .map((changes) =>
      Buffer.from(changes.reduce((all, [at, left, put]) => all.toSpliced(at, left, ...put), words).join('')),
    );
  let plainCount = 0;
  await fc.assert(
    fc.asyncProperty(mutated, async (bytes) => {
      const plain = readPlainCheckIn(bytes);
      if (typeof plain === 'string') return;
      plainCount++;
      const { headers, body } = plain;
      assert.deepEqual(await byNode(bytes), [{ method: 'POST', url: '/v1/check-in', headers: { ...headers }, body }]);
    }),
    propertyOptions({ runs: 1_000 }),
  );
  assert.ok(plainCount > 50, `${plainCount} plain requests of 1,000, fewer than a test of them needs`);
});
