// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import type { Audience } from '@outrider/domain/policy/audience';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { aDevice, id } from '@outrider/testkit/small-fleet';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed, signerOf } from '../rehearsal.ts';
import { listen } from './listen.ts';
import { tokenFor } from './people-for-tests.ts';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const ADMIN = randomSecret();
const store = memoryStore();
const { server, ports } = rehearse({ store, blobs: memoryBlobs(), schedule: timers });
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: timers, log: ports.log },
  adminTokenDigest: digestText(ADMIN),
});
assert.ok(listening.ok);
const { url } = listening.value;
after(() => listening.value.close());
await server.drain();

const atMs = Date.now();
/** Devices of two customers in two regions; `acme-us` is in reach of the person by customer and not by region. */
const CUSTOMERS = ['acme', 'umbrella'] as const;
for (const customer of CUSTOMERS) {
  for (const region of ['eu', 'us'] as const) {
    const record = aDevice({ attributes: { customer, region, deviceType: 'camera', hardwareId: 'rev-a' } }).record;
    const deviceId = id<DeviceId>(`${customer}-${region}`);
    const [registered] = await store.registry.register([
      { ...record, deviceId, publicKey: signerOf(deviceId).publicKey },
    ]);
    assert.ok(registered?.ok);
  }
}
const roles = ['operator', 'approver', 'viewer'] as const;
const ofAcmeEu = await tokenFor(store.people, {
  ...{ personId: 'ada', roles, atMs },
  reach: { customers: ['acme'], regions: ['eu'] },
});
const ofEu = await tokenFor(store.people, { personId: 'eve', roles, atMs, reach: { regions: ['eu'] } });

const OWN: Audience = {
  kind: 'all-of',
  of: [
    { kind: 'attribute', name: 'customer', in: ['acme'] },
    { kind: 'attribute', name: 'region', in: ['eu'] },
  ],
};

async function ask(what: string, token: string, body?: object | string) {
  const [method = '', path = ''] = what.split(' ', 2);
  const type = typeof body === 'string' ? 'application/octet-stream' : 'application/json';
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : {} };
}

const first = await manifestOf(server, '1.0.0');
const manifest = await manifestOf(server, '1.1.0', first);
for (const one of [first, manifest]) await ask('POST /releases', ADMIN, JSON.parse(encodeEnvelope(signed(one))));
const plans = {
  own: planOf(manifest, { rolloutId: id<RolloutId>('own'), salt: 'salt-of-own', audience: OWN }),
  wide: planOf(manifest, { rolloutId: id<RolloutId>('wide'), salt: 'salt-of-wide' }),
};
for (const plan of Object.values(plans)) {
  assert.equal((await ask('POST /rollouts', ADMIN, { plan })).status, 201);
  assert.equal(
    (await ask(`POST /rollouts/${plan.rolloutId}/events`, ADMIN, { event: 'approve', reason: 'r' })).status,
    200,
  );
  assert.equal(
    (await ask(`POST /rollouts/${plan.rolloutId}/events`, ADMIN, { event: 'start', reason: 'r' })).status,
    200,
  );
}
await server.drain();

describe('somebody whose roles are limited to a customer and a region', () => {
  test('sees their devices alone, in lists, counts and exports, whatever they ask for', async () => {
    for (const where of [
      '',
      '?where=customer%20%3D%20umbrella',
      '?where=not%20customer%20%3D%20acme%20or%20region%20%3D%20us',
    ]) {
      const { body } = await ask(`GET /devices${where}`, ofAcmeEu);
      const expected = where === '' ? ['acme-eu'] : [];
      assert.deepEqual(
        body.items.map((one: { deviceId: string }) => one.deviceId),
        expected,
        where,
      );
      assert.equal((await ask(`GET /device-count${where}`, ofAcmeEu)).body.devices, expected.length);
      const { text } = await ask(`GET /device-export/ndjson${where}`, ofAcmeEu);
      assert.equal(text.split('\n').filter((line) => line !== '').length, expected.length);
    }
    assert.equal((await ask('GET /device-count', ADMIN)).body.devices, 4);
    assert.equal((await ask('GET /device-count', ofEu)).body.devices, 2);
  });

  test('is told of another’s device, rollout or region nothing but that it is not there', async () => {
    for (const device of ['acme-us', 'umbrella-eu', 'no-such-device']) {
      for (const about of ['', '/explain', '/identity']) {
        const { status, body } = await ask(`GET /devices/${device}${about}`, ofAcmeEu);
        assert.deepEqual([status, body.code], [404, 'device-not-found'], `${device}${about}`);
      }
    }
    assert.equal((await ask('GET /devices/acme-eu', ofAcmeEu)).status, 200);
    for (const about of [
      '',
      '/decisions',
      '/ledger',
      '/reports',
      '/open-permits',
      '/explain',
      '/history',
      '/resume',
      '/charter',
      '/forecast',
    ]) {
      const { status, body } = await ask(`GET /rollouts/wide${about}`, ofAcmeEu);
      assert.deepEqual([status, body.code], [404, 'rollout-unknown'], about);
    }
    const { body } = await ask('GET /rollouts', ofAcmeEu);
    assert.deepEqual(
      body.items.map((one: { rollout: { plan: { rolloutId: string } } }) => one.rollout.plan.rolloutId),
      ['own'],
    );
  });

  test('changes nothing of others: no event, limit, flag, halt of a region or evidence', async () => {
    const reason = 'a try';
    for (const [about, body] of [
      ['events', { event: 'halt', reason }],
      ['limit', { devices: 0, reason }],
      ['flags', { severity: 'safety', reason }],
      ['regions', { region: 'eu', reason }],
      ['evidence/exclude', { deviceIds: ['acme-eu'], reason }],
    ] as const) {
      const { status, body: said } = await ask(`POST /rollouts/wide/${about}`, ofAcmeEu, body);
      assert.deepEqual([status, said.code], [404, 'rollout-unknown'], about);
    }
    assert.equal((await ask('POST /devices/umbrella-eu/revoke', ofAcmeEu, { reason })).body.code, 'device-not-found');
    assert.equal((await ask('POST /rollouts/own/events', ofAcmeEu, { event: 'pause', reason })).status, 200);
    assert.equal((await ask('POST /rollouts/own/events', ofAcmeEu, { event: 'resume', reason })).status, 200);
  });

  test('plans for no device outside, however the audience is written', async () => {
    const wider: readonly Audience[] = [
      { kind: 'everyone' },
      { kind: 'attribute', name: 'customer', in: ['acme'] },
      { kind: 'any-of', of: [OWN, { kind: 'tag', tag: 'beta' }] },
      { kind: 'device', in: ['acme-eu'] },
      { kind: 'not', of: { kind: 'attribute', name: 'customer', in: ['umbrella'] } },
    ];
    for (const [index, audience] of wider.entries()) {
      const plan = planOf(manifest, {
        rolloutId: id<RolloutId>(`try-${index}`),
        salt: `salt-of-try-${index}`,
        audience,
      });
      assert.equal((await ask('POST /rollouts', ofAcmeEu, { plan })).body.code, 'out-of-reach');
      assert.equal((await ask('POST /rollouts/forecast', ofAcmeEu, { plan })).body.code, 'out-of-reach');
    }
    const plan = planOf(manifest, { rolloutId: id<RolloutId>('mine'), salt: 'salt-of-mine', audience: OWN });
    assert.equal((await ask('POST /rollouts', ofAcmeEu, { plan })).status, 201);
  });

  test('moves no device out of their reach, or into it', async () => {
    const line = (deviceId: string, customer: string, attributesRevision?: number) =>
      `${JSON.stringify({ ...{ deviceId, deviceType: 'camera', model: 'm1', hardwareId: 'rev-a', region: 'eu', customer, carrier: 'wire' }, ...(attributesRevision === undefined ? {} : { attributesRevision }) })}\n`;
    const lines = [
      line('acme-eu', 'umbrella', 1),
      line('umbrella-eu', 'acme', 1),
      line('new-one', 'umbrella'),
      line('mine-1', 'acme'),
    ];
    const { body } = await ask('POST /device-import?format=ndjson', ofAcmeEu, lines.join(''));
    assert.deepEqual([body.announced, body.updated, body.refused], [1, 0, 3]);
    assert.deepEqual(new Set(body.faults.map((one: { code: string }) => one.code)), new Set(['beyond-reach']));
    assert.equal((await ask('GET /devices/umbrella-eu', ADMIN)).body.record.attributes.customer, 'umbrella');
    await ask('POST /device-import?format=ndjson', ADMIN, line('others-1', 'umbrella'));
    const { body: expected } = await ask('GET /expected-devices', ofAcmeEu);
    assert.deepEqual(
      expected.items.map((one: { deviceId: string }) => one.deviceId),
      ['mine-1'],
    );
  });

  test('pauses a region only where all of it is theirs, and never everything', async () => {
    const pause = (scope: string, token: string) => ask('POST /scopes/pause', token, { scope, reason: 'a try' });
    for (const scope of ['global', 'region:us', 'region:eu']) {
      assert.equal((await pause(scope, ofAcmeEu)).body.code, 'out-of-reach', scope);
    }
    assert.equal((await pause('global', ofEu)).body.code, 'out-of-reach');
    assert.equal((await pause('region:us', ofEu)).body.code, 'out-of-reach');
    assert.equal((await pause('region:eu', ofEu)).status, 200);
    assert.equal((await pause('region:us', ADMIN)).status, 200);
    const { body } = await ask('GET /status', ofEu);
    assert.deepEqual(
      body.pausedScopes.map((one: { scope: string }) => one.scope),
      ['region:eu'],
    );
    assert.deepEqual([body.counters, body.handled], [{}, 0]);
    for (const scope of ['region:eu', 'region:us']) await ask('POST /scopes/resume', ADMIN, { scope, reason: 'done' });
  });

  test('sees their rollouts alone in the overview and in its stream', async () => {
    const { body } = await ask('GET /overview', ofAcmeEu);
    const shown = (overview: { rollouts: { rolloutId: string }[] }) =>
      overview.rollouts.map((one) => one.rolloutId).sort();
    assert.deepEqual([shown(body), body.rolloutCount, body.devices], [['mine', 'own'], 2, undefined]);
    const response = await fetch(`${url}/api/v1/overview/stream`, { headers: { authorization: `Bearer ${ofAcmeEu}` } });
    let text = '';
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      if (text.split('\ndata: ').length > 2 && text.endsWith('\n\n')) break;
    }
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
    assert.ok(events.length >= 2, 'the first event and one that all others share');
    for (const event of events) assert.deepEqual(shown(event), ['mine', 'own']);
  });

  test('reads no log of everybody, publishes nothing and makes no token that reaches further', async () => {
    for (const route of ['GET /audit-entries', 'GET /policy-entries', 'GET /base-rates?deviceType=camera']) {
      assert.equal((await ask(route, ofAcmeEu)).body.code, 'out-of-reach', route);
    }
    const envelope = JSON.parse(encodeEnvelope(signed(manifest)));
    assert.equal((await ask('POST /releases', ofAcmeEu, envelope)).body.code, 'out-of-reach');
    assert.equal((await ask('POST /registration-tokens', ofAcmeEu, {})).body.code, 'out-of-reach');
  });
});
