// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { randomSecret } from '@outrider/adapters/shared/random';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { rehearse, SOON } from '../rehearsal.ts';
import { listen } from './listen.ts';
import { askerAt, tokenFor } from './people-for-tests.ts';

const ADMIN = randomSecret();
const store = memoryStore();
const { server, ports, now } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: SOON, log: ports.log },
  adminTokenDigest: digestText(ADMIN),
});
assert.ok(listening.ok);
after(() => listening.value.close());
await server.drain();

const ask = askerAt(listening.value.url, ADMIN);

const FREEZE = {
  freezeId: 'weekends',
  audience: { kind: 'attribute', name: 'region', in: ['eu'] },
  times: { kind: 'weekly', timeZone: 'Europe/Berlin', from: { day: 5, minute: 960 }, until: { day: 1, minute: 360 } },
  reason: 'nobody is at work',
  isIncludingRollback: false,
};

test('a freeze is ordered from the revision that was read, listed, and lifted; a second writer is refused by name', async () => {
  const { body: before } = await ask('GET /freezes');
  const expectedRevision = before.revision;
  assert.equal((await ask('POST /freezes', { freeze: FREEZE, expectedRevision })).status, 201);
  const late = await ask('POST /freezes', { freeze: { ...FREEZE, reason: 'another' }, expectedRevision });
  assert.deepEqual([late.status, late.body.code], [409, 'revision-stale']);
  assert.deepEqual((await ask('GET /freezes')).body.items, [FREEZE]);
  assert.equal((await ask('POST /freezes/weekends/lift', { reason: 'over' })).status, 200);
  assert.equal((await ask('POST /freezes/weekends/lift', { reason: 'twice' })).body.code, 'order-unknown');
  assert.deepEqual((await ask('GET /freezes')).body.items, []);
});

test('an exclusion is ordered with its reason and its end, and stands in the audit log', async () => {
  const exclusion = {
    exclusionId: 'exhibits',
    of: { kind: 'tag', tag: 'exhibit' },
    reason: 'on show',
    expiresAt: now() + 60_000,
  };
  assert.equal((await ask('POST /exclusions', { exclusion, author: 'ada' })).status, 201);
  assert.deepEqual((await ask('GET /exclusions')).body.items, [exclusion]);
  const { body } = await ask('GET /audit-entries?action=exclusion-set');
  const [{ entry }] = body.items;
  assert.deepEqual(
    [entry.actor, entry.subject, entry.detail, entry.reason],
    ['ada', 'exhibits', 'tag exhibit', 'on show'],
  );
  assert.equal((await ask('POST /exclusions/exhibits/lift', { reason: 'sold' })).status, 200);
});

test('what makes no sense is refused by name', async () => {
  const bad = [
    [{ ...FREEZE, times: { ...FREEZE.times, timeZone: 'Mars/Olympus' } }, 'body-malformed'],
    [{ ...FREEZE, times: { ...FREEZE.times, until: FREEZE.times.from } }, 'freeze-empty'],
    [{ ...FREEZE, times: { kind: 'once', from: 2, until: 1 } }, 'freeze-empty'],
    [{ ...FREEZE, reason: '' }, 'body-malformed'],
  ] as const;
  for (const [freeze, code] of bad) assert.equal((await ask('POST /freezes', { freeze })).body.code, code);
});

test('somebody limited to a region freezes it, and nothing beyond', async () => {
  const token = await tokenFor(store.people, {
    personId: 'eve',
    roles: ['operator'],
    reach: { regions: ['eu'] },
    atMs: Date.now(),
  });
  assert.equal((await ask('POST /freezes', { freeze: FREEZE }, token)).status, 201);
  const wide = { ...FREEZE, freezeId: 'all', audience: { kind: 'everyone' } };
  assert.equal((await ask('POST /freezes', { freeze: wide }, token)).body.code, 'out-of-reach');
  assert.equal((await ask('POST /freezes', { freeze: wide })).status, 201);
  assert.deepEqual(
    (await ask('GET /freezes', undefined, token)).body.items.map((one: { freezeId: string }) => one.freezeId),
    ['weekends'],
  );
  const exclusion = { exclusionId: 'x', of: { kind: 'tag', tag: 'x' }, reason: 'r' };
  assert.equal((await ask('POST /exclusions', { exclusion }, token)).body.code, 'out-of-reach');
});
