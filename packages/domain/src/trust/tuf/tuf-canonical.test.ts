// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tufCanonical } from './tuf-canonical.ts';

test('what signatures of metadata cover is written as python-tuf writes it', () => {
  const value = { b: [1, -2, true, null], a: 'é"\\\n', '\u{1f600}': 2, '￿': 1 };
  assert.equal(tufCanonical(value), '{"a":"é\\"\\\\\n","b":[1,-2,true,null],"￿":1,"\u{1f600}":2}');
});

test('a number that is not whole, or too large to be exact, has no canonical form', () => {
  for (const number of [1.5, Number.MAX_SAFE_INTEGER + 1, Number.POSITIVE_INFINITY]) {
    assert.equal(tufCanonical({ x: [number] }), undefined);
  }
});
