// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashUnit, sha256Words } from './sha256.ts';

test("a device's place in a rollout can be checked with any SHA-256", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 200 }), (text) => {
      assert.equal(hex(sha256Words(text)), createHash('sha256').update(text, 'latin1').digest('hex'));
    }),
  );
});

test('every length around the block boundary hashes as the standard says', () => {
  for (let length = 0; length <= 130; length++) {
    const text = 'x'.repeat(length);
    assert.equal(hex(sha256Words(text)), createHash('sha256').update(text).digest('hex'), `length ${length}`);
  }
});

test('the unit number is the first 53 bits of the digest, so server and device agree on it to the bit', () => {
  const digest = createHash('sha256').update('salt|order|device-1').digest();
  const expected = Number(digest.readBigUInt64BE() >> 11n) / 2 ** 53;
  assert.equal(hashUnit('salt', 'order', 'device-1'), expected);
});

test('places are spread evenly: each tenth of the order holds a tenth of the fleet', () => {
  const tenths = new Array<number>(10).fill(0);
  for (let device = 0; device < 10_000; device++) {
    const tenth = Math.floor(hashUnit('s', 'order', `device-${device}`) * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // Six standard deviations of a binomial(10,000, 0.1) are 180.
  for (const count of tenths) assert.ok(Math.abs(count - 1000) < 180, `a tenth holds ${count}`);
});

function hex(words: Uint32Array): string {
  return [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
}
