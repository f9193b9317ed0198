// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed } from '../rehearsal.ts';
import { listen } from './listen.ts';

const TOKEN = 'an-admin-token-of-this-test';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const { server, ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText(TOKEN), digestText },
  ...{ schedule: timers, log: ports.log },
});
assert.ok(listening.ok);
const { url } = listening.value;
after(async () => {
  await listening.value.close();
  await server.close();
});

test('a plan is forecast over HTTP, and what is wrong with the question is said by name', async () => {
  const manifest = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(manifest))).ok);
  const plan = planOf(manifest);
  const said = await post({ plan, pricePerGigabyte: '0.05', currency: 'EUR' });
  assert.equal(said.status, 200);
  const { forecast } = (await said.json()) as { readonly forecast: { readonly missing: readonly { code: string }[] } };
  assert.ok(forecast.missing.some((one) => one.code === 'audience-empty'));

  assert.equal((await post({ plan, pricePerGigabyte: '0.05,eu=0.02,in=0.11' })).status, 200);
  for (const pricePerGigabyte of ['cheap', 'eu=0.02', '0.05,eu', '0.05,__proto__=1']) {
    assert.equal((await post({ plan, pricePerGigabyte })).status, 400, pricePerGigabyte);
  }
  assert.equal((await post({ plan: { ...plan, releaseId: 'camera-9.9.9' } })).status, 404);
  assert.equal((await post({ plan: { ...plan, waves: plan.waves.slice(0, 2) } })).status, 422);
  const unknown = await fetch(`${url}/api/v1/rollouts/r9/forecast`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(unknown.status, 404);
});

function post(body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  return fetch(`${url}/api/v1/rollouts/forecast`, { method: 'POST', headers, body: JSON.stringify(body) });
}
