// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EVENT_CHARACTERS_MAX, streamReader } from './event-stream.ts';

const STREAM =
  'retry: 2000\n\nid: 1\nevent: overview\ndata: {"a":1}\n\n: quiet\n\nevent: overview\r\ndata: x\r\ndata: y\r\n\r\n';
const PARTS = [
  { kind: 'event', name: 'overview', data: '{"a":1}' },
  { kind: 'heartbeat' },
  { kind: 'event', name: 'overview', data: 'x\ny' },
];

test('a stream says the same wherever the network cuts it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
      const reader = streamReader();
      const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
      const parts = at.slice(1).flatMap((end, index) => reader.take(STREAM.slice(at[index], end)));
      assert.deepEqual(parts, PARTS);
    }),
  );
});

test('an event without an end is refused before it fills the memory', () => {
  const reader = streamReader();
  assert.throws(() => reader.take(`data: ${'x'.repeat(EVENT_CHARACTERS_MAX)}`), RangeError);
});
