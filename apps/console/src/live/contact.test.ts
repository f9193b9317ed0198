// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { overviewWith } from '../example-overview.ts';
import { freshnessOf, SILENCE_MS_MAX } from './contact.ts';

const overview = overviewWith();
const HEARD_MS = 1_000_000;

test('figures are live only as long as the server goes on saying them', () => {
  assert.deepEqual(freshnessOf({}, undefined, 0), { kind: 'connecting' });
  const contact = { heardAtMs: HEARD_MS };
  assert.deepEqual(freshnessOf(contact, overview, HEARD_MS + SILENCE_MS_MAX), { kind: 'live' });
  const stale = { kind: 'stale', sinceMs: HEARD_MS };
  assert.deepEqual(freshnessOf(contact, overview, HEARD_MS + SILENCE_MS_MAX + 1), stale);
});

test('a connection that broke is told at once, with the instant of the last figures', () => {
  const contact = { heardAtMs: HEARD_MS, fault: 'unreachable' } as const;
  const stale = { kind: 'stale', sinceMs: HEARD_MS, fault: 'unreachable' };
  assert.deepEqual(freshnessOf(contact, overview, HEARD_MS + 1), stale);
  const never = { kind: 'never-heard', fault: 'unreachable' };
  assert.deepEqual(freshnessOf({ fault: 'unreachable' }, undefined, 0), never);
});

test('a server that cannot read its database never passes for live: its figures are as old as it says', () => {
  const vitals = { ...overview.vitals, isFresh: false, snapshotAgeMs: 7_000 };
  const seen = freshnessOf({ heardAtMs: HEARD_MS }, { ...overview, vitals }, HEARD_MS + 1);
  assert.deepEqual(seen, { kind: 'store-away', sinceMs: HEARD_MS - 7_000 });
  const database = { isReachable: false };
  const away = { ...overview, vitals: { ...overview.vitals, database } };
  assert.equal(freshnessOf({ heardAtMs: HEARD_MS }, away, HEARD_MS).kind, 'store-away');
});

test('whatever happened, figures older than the silence allowed are never live', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.boolean(), (heardAtMs, agoMs, hasFault) => {
      const contact = { heardAtMs, ...(hasFault ? { fault: 'unreachable' as const } : {}) };
      const { kind } = freshnessOf(contact, overview, heardAtMs + agoMs);
      assert.equal(kind === 'live', !hasFault && agoMs <= SILENCE_MS_MAX);
    }),
  );
});
