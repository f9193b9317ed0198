// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { durationMs } from '@outrider/domain/kernel/time';
import { SOON } from '../rehearsal.ts';
import { drainGate } from './draining.ts';

const gate = drainGate(SOON);
const http = createServer((request, response) => {
  if (gate.admits(request, response)) response.end('answered');
});
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
after(() => http.close());
// A TCP server has an address of this kind once it listens.
const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

async function ask(path: string): Promise<readonly [number, string | null]> {
  const response = await fetch(url + path);
  await response.text();
  return [response.status, response.headers.get('connection')];
}

test('a server that leaves says that it is not ready, answers all else, and keeps no connection', async () => {
  assert.deepEqual(await ask('/health/ready'), [200, 'keep-alive']);
  assert.deepEqual(await ask('/v1/check-in'), [200, 'keep-alive']);
  gate.leave();
  assert.deepEqual(await ask('/health/ready'), [503, 'close']);
  assert.deepEqual(await ask('/health/live'), [200, 'close']);
  assert.deepEqual(await ask('/v1/check-in'), [200, 'close']);
  await gate.drain(durationMs(1_000));
  assert.deepEqual(await ask('/v1/check-in'), [503, 'close']);
  assert.deepEqual(await ask('/health/live'), [200, 'close']);
});
