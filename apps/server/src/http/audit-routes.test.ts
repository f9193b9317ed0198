// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { parseAuditPage } from '@outrider/protocol/trust/audit';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
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

const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers });
const { server } = rehearsal;
const log = rehearsal.ports.log;
const place = { server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: timers, log } as const;
const listening = await listen({ ...place, adminTokenDigest: digestText(TOKEN) });
assert.ok(listening.ok);
const { url } = listening.value;
after(() => listening.value.close());
await server.drain();

/** Routes that change something, and where their entry comes from; `none`: why there is none. */
const CHANGING: Readonly<Record<string, { readonly entry: string } | { readonly none: string }>> = {
  'PUT /blobs/{digest}': { none: 'A blob is named by its content and without effect until a release names it' },
  'POST /releases': { entry: 'release-published' },
  'POST /releases/{releaseId}/withdraw': { entry: 'release-withdrawn' },
  'POST /rollouts': { entry: 'rollout-created' },
  'POST /rollouts/forecast': { none: 'It plays, and stores nothing' },
  'POST /rollouts/{rolloutId}/evidence/recount': { none: 'It counts again, and stores nothing' },
  'POST /device-import': { entry: 'devices-imported' },
  'POST /device-tags': { entry: 'devices-tagged' },
  'POST /registration-tokens': { entry: 'token-issued' },
  'POST /service-tokens': { entry: 'token-created' },
  'POST /service-tokens/{tokenId}/revoke': { entry: 'token-revoked' },
  'POST /people/{personId}/block': { entry: 'person-blocked' },
  'POST /people/{personId}/unblock': { entry: 'person-unblocked' },
  'POST /session/end': { none: 'It ends the session of whoever sends it, and changes nothing else' },
  'POST /ddi-devices': { entry: 'ddi-devices-added' },
  'POST /ddi-devices/{deviceId}/token': { entry: 'ddi-device-changed' },
  'POST /ddi-devices/{deviceId}/certificate': { entry: 'ddi-device-changed' },
  'POST /ddi-gateways': { entry: 'ddi-gateways-changed' },
  'POST /ddi-gateways/{name}/remove': { entry: 'ddi-gateways-changed' },
  'POST /clock/accept': { entry: 'clock-accepted' },
  'POST /conductor/step': { none: 'A conducted clock is that of a demonstration, and a program steps it' },
};

/** All that goes through the policy log has its entry there, in one place for all of them. */
const BY_POLICY_LOG = /^POST \/(scopes\/|freezes|exclusions|groups|rollouts\/\{rolloutId\}\/|devices\/\{deviceId\}\/)/;

test('every route that changes something leaves an entry in the audit log, or says why not', async () => {
  const document: unknown = await (await fetch(`${url}/api/v1/openapi.json`)).json();
  const { paths } = document as { readonly paths: Readonly<Record<string, object>> };
  const changing = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => method !== 'get')
      .map((method) => `${method.toUpperCase()} ${path.slice('/api/v1'.length)}`),
  );
  const unexplained = changing.filter((one) => !Object.hasOwn(CHANGING, one) && !BY_POLICY_LOG.test(one));
  assert.deepEqual(unexplained, [], 'say in this table which entry it leaves');
  assert.deepEqual(
    Object.keys(CHANGING).filter((one) => !changing.includes(one)),
    [],
  );
});

test('who published, rolled out and withdrew is read page by page, under the request id of the answer', async () => {
  const manifest = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', manifest);
  for (const one of [manifest, newer]) {
    assert.equal((await send('/releases?author=build', encodeEnvelope(signed(one)))).status, 201);
  }
  const { status, id } = await send('/rollouts', JSON.stringify({ plan: planOf(newer), author: 'ada' }));
  assert.equal(status, 201);
  await send(`/releases/${manifest.releaseId}/withdraw`, JSON.stringify({ reason: 'superseded', author: 'ada' }));
  const attributes = { deviceType: 'camera', model: 'm1', hardwareId: 'rev-a', region: 'eu', customer: 'acme' };
  const line = { deviceId: 'camera-1', ...attributes, carrier: 'wire' };
  const imported = await send(
    '/device-import?format=ndjson&author=grace',
    `${JSON.stringify(line)}\n`,
    'application/octet-stream',
  );
  assert.equal(imported.status, 200);

  const { items, head } = await page('');
  const said = items.map(({ text }) => JSON.parse(text));
  assert.deepEqual(
    said.map((one) => [one.sequence, one.actor, one.action, one.subject]),
    [
      [1, 'build', 'release-published', manifest.releaseId],
      [2, 'build', 'release-published', newer.releaseId],
      [3, 'ada', 'rollout-created', planOf(newer).rolloutId],
      [4, 'ada', 'release-withdrawn', manifest.releaseId],
      [5, 'grace', 'devices-imported', 'camera-1'],
    ],
  );
  assert.equal(said[2].requestId, id);
  assert.deepEqual(head, { sequence: 5, digest: items[4]?.digest });
  const sequences = async (query: string) => (await page(query)).items.map((one) => one.sequence);
  assert.deepEqual(await sequences('?actor=ada'), [3, 4]);
  assert.deepEqual(await sequences('?action=release-published&after=1'), [2]);
  assert.deepEqual(await sequences('?limit=2'), [1, 2]);
  assert.deepEqual(await sequences('?since=999999999999999'), []);
});

const authorization = `Bearer ${TOKEN}`;

async function send(path: string, body: string, type = 'application/json') {
  const headers = { authorization, 'content-type': type };
  const response = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return { status: response.status, id: response.headers.get('x-request-id') };
}

async function page(query: string) {
  const response = await fetch(`${url}/api/v1/audit-entries${query}`, { headers: { authorization } });
  const parsed = parseAuditPage(await response.text());
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}
