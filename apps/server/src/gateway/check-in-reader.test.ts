// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { encodeCheckIn, parseCheckIn } from '@outrider/protocol/gateway/check-in';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { checkInReader } from './check-in-reader.ts';

const { deviceId, status } = aDevice().record;
const { running } = status;
const body = encodeCheckIn({ deviceId, sequence: 41, running, state: 'idle' });

test('software that was told before is read as the very value of before', () => {
  const read = checkInReader();
  const [first, second] = [read(body), read(body.replace('"sequence":41', '"sequence":42'))];
  assert.ok(first.ok && second.ok);
  assert.deepEqual(second.value, { deviceId, sequence: 42, running, state: 'idle' });
  assert.equal(second.value.running, first.value.running);
});

test('so is the software of a device that has an offer, with the rollout that it is about', () => {
  const read = checkInReader();
  assert.ok(read(body).ok);
  const about = { deviceId, sequence: 43, running, state: 'deferred', rolloutId: 'rollout-1' as RolloutId } as const;
  const answer = read(encodeCheckIn(about));
  assert.ok(answer.ok);
  assert.deepEqual(answer.value, about);
});

test('whatever a body says, it is read as the reader of the protocol reads it', () => {
  // One reader over all runs: what it remembers of one body must not leak into another.
  const read = checkInReader();
  assert.ok(read(body).ok);
  const middle = body.slice(body.indexOf('"running":') + 10, body.indexOf(',"sequence"'));
  const pieces = [
    ...[
      '{"deviceId":"',
      deviceId,
      '","running":',
      middle,
      ',"sequence":',
      '41',
      ',"state":"',
      'idle',
      '"}',
      '{}',
      '"',
      '\\',
    ],
    ...[
      ',"state":"idle"',
      '1e999',
      '-1',
      '0',
      '01',
      ' ',
      '}',
      '{',
      'null',
      '"a":',
      ',"rolloutId":"r1"',
      '","rolloutId":"',
      'r1',
      'confirmed',
    ],
  ];
  const whole = ['{"deviceId":"', deviceId, '","running":', middle, ',"sequence":', '41', ',"state":"', 'idle', '"}'];
  const changed = fc
    .array(fc.tuple(fc.nat(whole.length), fc.nat(2), fc.array(fc.constantFrom(...pieces), { maxLength: 2 })), {
      maxLength: 3,
    })
    .map((changes) => changes.reduce((text, [at, left, put]) => text.toSpliced(at, left, ...put), whole).join(''));
  fc.assert(
    fc.property(changed, (text) => {
      assert.deepEqual(read(text), parseCheckIn(text));
      assert.deepEqual(read(text), parseCheckIn(text));
    }),
    propertyOptions({ runs: 5_000 }),
  );
});
