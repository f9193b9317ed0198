// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { aDevice, id } from '@outrider/testkit/small-fleet';
import { rehearse, SOON, signerOf } from '../rehearsal.ts';
import { listen } from './listen.ts';
import { askerAt, tokenFor } from './people-for-tests.ts';

const ADMIN = randomSecret();
const store = memoryStore();
const { server, ports } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: SOON, log: ports.log },
  adminTokenDigest: digestText(ADMIN),
});
assert.ok(listening.ok);
const { url } = listening.value;
after(() => listening.value.close());
await server.drain();

for (const [name, customer, region] of [
  ['acme-1', 'acme', 'eu'],
  ['acme-2', 'acme', 'us'],
  ['umbrella-1', 'umbrella', 'eu'],
] as const) {
  const deviceId = id<DeviceId>(name);
  const { record } = aDevice({ attributes: { customer, region, tags: [] } });
  const [registered] = await store.registry.register([
    { ...record, deviceId, publicKey: signerOf(deviceId).publicKey },
  ]);
  assert.ok(registered?.ok);
}
const atMs = Date.now();
const reach = { customers: ['acme'] };
const ofAcme = await tokenFor(store.people, { personId: 'ada', roles: ['operator'], reach, atMs });
const viewer = await tokenFor(store.people, { personId: 'vic', roles: ['viewer'], reach: {}, atMs });

const ask = askerAt(url, ADMIN);

const groupOf = (groupId: string, audience: object, reason = 'for tests') => ({ group: { groupId, audience, reason } });
const ACME = { kind: 'attribute', name: 'customer', in: ['acme'] };
const EVERYONE = { kind: 'everyone' };
const LAB = { kind: 'all-of', of: [ACME, { kind: 'tag', tag: 'lab' }] };

const devicesOf = async (where: string, token = ADMIN) => {
  const { body } = await ask(`GET /devices?where=${encodeURIComponent(where)}`, undefined, token);
  return body.items?.map((one: { deviceId: string }) => one.deviceId) ?? body.code;
};

describe('a group', () => {
  test('is created once, and found in queries by what it means and by who is in it now', async () => {
    assert.equal((await ask('POST /groups', groupOf('lab', LAB))).status, 201);
    assert.deepEqual((await ask('GET /groups/lab')).body.devices, 0);
    const tagged = await ask('POST /device-tags', { deviceIds: ['acme-1'], add: ['lab'] });
    assert.deepEqual(tagged.body, { devices: 1, changed: 1, attributesRevision: 2 });
    const { body } = await ask('GET /groups/lab');
    assert.deepEqual([body.devices, body.isExact, body.audience], [1, true, LAB]);
    assert.deepEqual(await devicesOf('group = lab'), ['acme-1']);
    assert.deepEqual(await devicesOf('not group = lab'), ['acme-2', 'umbrella-1']);
    assert.equal(await devicesOf('group = nobody'), 'query-invalid');
    const twice = await ask('POST /groups', groupOf('lab', ACME));
    assert.deepEqual([twice.status, twice.body.code], [409, 'group-exists']);
  });

  test('that names devices holds them, in whatever form it is asked for', async () => {
    const named = { kind: 'any-of', of: [{ kind: 'device', in: ['umbrella-1'] }, LAB] };
    assert.equal((await ask('POST /groups', groupOf('named', named))).status, 201);
    assert.deepEqual(await devicesOf('group = named'), ['acme-1', 'umbrella-1']);
    assert.deepEqual(await devicesOf('group in (named, lab) and region = eu'), ['acme-1', 'umbrella-1']);
  });

  test('is changed from the revision that was seen; a second writer is refused by name, and the change stands in the audit log', async () => {
    const { revision: replaces } = (await ask('GET /groups/lab')).body;
    const changed = await ask('POST /groups', { ...groupOf('lab', ACME, 'all of them'), replaces, author: 'ada' });
    assert.equal(changed.status, 201);
    const late = await ask('POST /groups', { ...groupOf('lab', LAB), replaces });
    assert.deepEqual([late.status, late.body.code, late.body.actual], [409, 'group-changed', changed.body.revision]);
    const gone = await ask('POST /groups/lab/remove', { reason: 'over', replaces });
    assert.equal(gone.body.code, 'group-changed');
    assert.deepEqual(await devicesOf('group = lab'), ['acme-1', 'acme-2']);
    const { body } = await ask('GET /audit-entries?action=group-set');
    const { entry } = body.items.find((one: { entry: { actor: string } }) => one.entry.actor === 'ada');
    assert.deepEqual([entry.subject, entry.detail, entry.reason], ['lab', 'customer in acme', 'all of them']);
  });
});

describe('somebody who reaches one customer', () => {
  test('sees, makes and removes groups of theirs alone', async () => {
    assert.equal((await ask('POST /groups', groupOf('all', EVERYONE))).status, 201);
    for (const audience of [EVERYONE, { kind: 'tag', tag: 'lab' }, { ...ACME, in: ['acme', 'umbrella'] }]) {
      assert.equal((await ask('POST /groups', groupOf('mine', audience), ofAcme)).body.code, 'out-of-reach');
    }
    assert.equal((await ask('POST /groups', groupOf('mine', ACME), ofAcme)).status, 201);
    const shown = (await ask('GET /groups', undefined, ofAcme)).body.items;
    assert.deepEqual(
      shown.map((one: { groupId: string }) => one.groupId),
      ['lab', 'mine'],
    );
    assert.equal((await ask('GET /groups/all', undefined, ofAcme)).body.code, 'group-unknown');
    assert.equal(await devicesOf('group = all', ofAcme), 'query-invalid');
    assert.deepEqual(await devicesOf('group = lab', ofAcme), ['acme-1', 'acme-2']);
    const { revision: replaces } = (await ask('GET /groups/all')).body;
    const narrowed = await ask('POST /groups', { ...groupOf('all', ACME), replaces }, ofAcme);
    assert.equal(narrowed.body.code, 'out-of-reach', 'nobody narrows what others mean by a name');
    const removed = await ask('POST /groups/all/remove', { reason: 'mine', replaces }, ofAcme);
    assert.equal(removed.body.code, 'group-unknown');
    assert.equal((await ask('GET /groups/all')).status, 200);
  });

  test('tags devices of theirs, and of a list with others none', async () => {
    const both = await ask('POST /device-tags', { deviceIds: ['acme-2', 'umbrella-1'], add: ['lab'] }, ofAcme);
    assert.deepEqual([both.status, both.body.code, both.body.deviceId], [404, 'device-not-found', 'umbrella-1']);
    assert.deepEqual(await devicesOf('tag = lab'), ['acme-1']);
    const all = await ask('POST /device-tags', { where: 'region in (eu, us)', add: ['beta'] }, ofAcme);
    assert.deepEqual(all.body, { devices: 2, changed: 2 });
    assert.deepEqual(await devicesOf('tag = beta'), ['acme-1', 'acme-2']);
  });

  test('replaces and lifts no freeze or exclusion that holds for others', async () => {
    const times = { kind: 'once', from: 1, until: 2 };
    const freeze = { freezeId: 'winter', audience: EVERYONE, times, reason: 'snow', isIncludingRollback: false };
    const exclusion = { exclusionId: 'exhibits', of: { kind: 'tag', tag: 'exhibit' }, reason: 'on show' };
    assert.equal((await ask('POST /freezes', { freeze })).status, 201);
    assert.equal((await ask('POST /exclusions', { exclusion })).status, 201);
    const narrow = [
      ask('POST /freezes', { freeze: { ...freeze, audience: ACME } }, ofAcme),
      ask('POST /exclusions', { exclusion: { ...exclusion, of: ACME } }, ofAcme),
    ];
    for (const one of await Promise.all(narrow)) assert.equal(one.body.code, 'out-of-reach');
    for (const path of ['/freezes/winter/lift', '/exclusions/exhibits/lift']) {
      assert.equal((await ask(`POST ${path}`, { reason: 'mine' }, ofAcme)).body.code, 'order-unknown');
    }
    assert.deepEqual((await ask('GET /exclusions', undefined, ofAcme)).body.items, []);
    const own = { ...exclusion, exclusionId: 'own', of: ACME };
    assert.equal((await ask('POST /exclusions', { exclusion: own }, ofAcme)).status, 201);
    assert.equal((await ask('POST /exclusions/own/lift', { reason: 'over' }, ofAcme)).status, 200);
    assert.equal((await ask('GET /freezes')).body.items[0].reason, 'snow');
  });
});

test('somebody who only looks tags nothing and makes no group', async () => {
  assert.equal(
    (await ask('POST /device-tags', { deviceIds: ['acme-1'], add: ['x'] }, viewer)).body.code,
    'role-missing',
  );
  assert.equal((await ask('POST /groups', groupOf('x', ACME), viewer)).body.code, 'role-missing');
  assert.equal((await ask('GET /groups', undefined, viewer)).status, 200);
});

describe('tags', () => {
  test('are changed from the revision that was seen, and the audit log says how', async () => {
    const [{ attributesRevision }] = (await ask(`GET /devices?where=${encodeURIComponent('id = acme-1')}`)).body.items;
    const one = { deviceIds: ['acme-1'], attributesRevision };
    const first = await ask('POST /device-tags', { ...one, add: ['gold'], remove: ['lab'], author: 'ada' });
    assert.deepEqual(first.body, { devices: 1, changed: 1, attributesRevision: attributesRevision + 1 });
    const late = await ask('POST /device-tags', { ...one, add: ['silver'] });
    assert.deepEqual([late.status, late.body.code], [409, 'attributes-stale']);
    const { body } = await ask('GET /audit-entries?action=devices-tagged&actor=ada');
    assert.deepEqual([body.items.at(-1).entry.subject, body.items.at(-1).entry.detail], ['acme-1', '+gold -lab']);
  });

  test('are taken in whole or not at all: too many, both ways to name devices, or a revision of several', async () => {
    const many = Array.from({ length: 32 }, (_, index) => `t${index}`);
    const full = await ask('POST /device-tags', { deviceIds: ['acme-1'], add: many });
    assert.deepEqual([full.status, full.body.code], [422, 'tags-too-many']);
    for (const body of [
      { deviceIds: ['acme-1'], where: 'id = acme-1', add: ['x'] },
      { add: ['x'] },
      { deviceIds: ['acme-1', 'acme-2'], attributesRevision: 1, add: ['x'] },
      { deviceIds: ['acme-1'], add: ['not a tag'] },
    ]) {
      const answer = await ask('POST /device-tags', body);
      assert.equal(answer.status, 400, answer.body.detail);
    }
    assert.deepEqual(await devicesOf('tag in (x, t1)'), []);
  });

  test('of a device that others change at the same time are all there afterwards', async () => {
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        server.registry.tag({
          of: { deviceIds: [id<DeviceId>('umbrella-1')] },
          change: { add: [`c${index}`], remove: [] },
          author: 'ada',
          reach: {},
        }),
      ),
    );
    const done = all.filter((one) => one.ok).length;
    assert.ok(done >= 2 && all.every((one) => one.ok || one.error.code === 'rate-limited'));
    const [device] = (await ask(`GET /devices?where=${encodeURIComponent('id = umbrella-1')}`)).body.items;
    assert.equal(device.attributes.tags.length, done);
  });
});
