// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRetryAfter } from './retry-after.ts';

test('seconds are read, and a date against the date of the same answer', () => {
  assert.equal(parseRetryAfter('5'), 5_000);
  assert.equal(parseRetryAfter(' 0 '), 0);
  const date = 'Sat, 28 Nov 2026 18:00:00 GMT';
  assert.equal(parseRetryAfter('Sat, 28 Nov 2026 18:02:00 GMT', date), 120_000);
  assert.equal(parseRetryAfter('Sat, 28 Nov 2026 17:59:00 GMT', date), undefined, 'a date that is past');
  assert.equal(parseRetryAfter('Sat, 28 Nov 2026 18:02:00 GMT'), undefined, 'a date that nothing can be measured by');
});

test('what is no wait is no request to wait', () => {
  for (const text of [
    undefined,
    '',
    '-1',
    '1.5',
    '1e9',
    '99999999999999999999',
    'soon',
    '0x10',
    'Sat, 99 Foo 2026 99:99:99 GMT',
  ]) {
    assert.equal(parseRetryAfter(text, 'Sat, 28 Nov 2026 18:00:00 GMT'), undefined, String(text));
  }
});
