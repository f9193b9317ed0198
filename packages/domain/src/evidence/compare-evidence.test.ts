// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPlan, id } from '@outrider/testkit/small-fleet';
import type { SegmentId } from '../kernel/ids.ts';
import { fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { compareEvidence } from './compare-evidence.ts';
import { count, emptyEvidence, restartInstallCounts } from './count.ts';
import type { Evidence } from './evidence.ts';

const segment = id<SegmentId>('rev-a');
const asOf = fleetInstant(9 * HOUR_MS);
const at = fleetInstant(8.9 * HOUR_MS);

const counted: Evidence = restartInstallCounts(
  count(
    emptyEvidence(aPlan(), fleetInstant(0)),
    [
      { kind: 'enrolled', segment, arm: 'treated', pi: 0.2, at },
      { kind: 'enrolled', segment, arm: 'control', pi: 0.375, at },
      { kind: 'reverted', segment, at, grantedAt: at, isFirstEnd: true, wasConfirmed: false },
      { kind: 'coin-event', metric: 'crash24', segment, arm: 'control', pi: 0.375, isFirstHalf: true },
      { kind: 'window-closed', metric: 'crash24', segment, arm: 'control', hadEvent: true },
    ],
    asOf,
  ),
  fleetInstant(HOUR_MS),
);

test('evidence equals itself, read back from its text too', () => {
  assert.deepEqual(compareEvidence(counted, JSON.parse(JSON.stringify(counted))), []);
});

test('every number of the evidence that is altered is found, and none other is named', () => {
  let altered = 0;
  for (const path of numbersOf(counted)) {
    const differences = compareEvidence(counted, withOneMore(counted, path));
    // What names a count (pi, the end of a slot) makes another count of it: each of its fields is on one side only.
    assert.ok(differences.length >= 1, path.join('.'));
    const isCount = !['pi', 'slotEndsAt'].includes(path.at(-1) ?? '');
    if (isCount) assert.equal(differences.length, 1, JSON.stringify(differences));
    altered++;
  }
  assert.ok(altered > 20, `${altered} numbers`);
});

test('a count that only one side has is a difference, also when it is zero or stands twice', () => {
  const [one] = counted.closed;
  assert.ok(one !== undefined);
  assert.deepEqual(compareEvidence(counted, { ...counted, closed: [] }), [
    { field: 'closed crash24 rev-a control closed', first: 1 },
    { field: 'closed crash24 rev-a control events', first: 1 },
  ]);
  const twice = { ...counted, closed: [one, { ...one, closed: 0, events: 0 }] };
  assert.deepEqual(
    compareEvidence(counted, twice).map((difference) => difference.field),
    ['closed crash24 rev-a control (2) closed', 'closed crash24 rev-a control (2) events'],
  );
});

function numbersOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => numbersOf(part, [...path, name]));
}

function withOneMore(evidence: Evidence, path: readonly string[]): Evidence {
  const copy: unknown = JSON.parse(JSON.stringify(evidence));
  let part = copy;
  for (const name of path.slice(0, -1)) part = Reflect.get(Object(part), name);
  const last = path.at(-1) ?? '';
  Reflect.set(Object(part), last, Number(Reflect.get(Object(part), last)) + 1);
  // A copy of an evidence with another number in it.
  return copy as Evidence;
}
