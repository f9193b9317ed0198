// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { namesTag, readRange } from './byte-range.ts';

test('a device that was cut off gets the rest of a blob, and only that', () => {
  assert.deepEqual(readRange('bytes=600-', 1000), { kind: 'part', start: 600, end: 999 });
  assert.deepEqual(readRange('bytes=0-0', 1000), { kind: 'part', start: 0, end: 0 });
  assert.deepEqual(readRange('bytes=10-5000', 1000), { kind: 'part', start: 10, end: 999 });
  assert.deepEqual(readRange('bytes=-100', 1000), { kind: 'part', start: 900, end: 999 });
  assert.deepEqual(readRange('bytes=-5000', 1000), { kind: 'part', start: 0, end: 999 });
});

test('a range that lies behind the end is refused, one that makes no sense is ignored', () => {
  for (const field of ['bytes=1000-', 'bytes=1000-1001', 'bytes=-0']) {
    assert.deepEqual(readRange(field, 1000), { kind: 'unsatisfiable' }, field);
  }
  for (const field of [undefined, '', 'bytes=', 'bytes=-', 'bytes=9-3', 'items=0-1', 'bytes=0-1,5-6', 'bytes=a-b']) {
    assert.deepEqual(readRange(field, 1000), { kind: 'whole' }, String(field));
  }
});

test('whatever is asked, no answer reaches outside the blob', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.option(fc.nat(3000)), fc.option(fc.nat(3000)), (size, first, last) => {
      const answer = readRange(`bytes=${first ?? ''}-${last ?? ''}`, size);
      if (answer.kind !== 'part') return;
      assert.ok(answer.start >= 0 && answer.start <= answer.end && answer.end < size);
    }),
  );
});

test('a cache that holds the blob already is told so', () => {
  assert.equal(namesTag('"aa", W/"bb"', '"bb"'), true);
  assert.equal(namesTag('*', '"bb"'), true);
  assert.equal(namesTag('"aa"', '"bb"'), false);
});
