// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BootsSeen, isCloned, withBoot } from './clone-watch.ts';

function seenAfter(boots: string): BootsSeen {
  let seen = withBoot(undefined, boots[0] ?? '');
  for (const boot of boots.slice(1)) seen = withBoot(seen, boot);
  return seen;
}

test('a device that starts again and again, and one whose last request was held up, are no clones', () => {
  for (const boots of ['AAAA', 'ABCDEFGHIJ', 'AABBCC', 'ABAB'.slice(0, 3), 'AABACCC']) {
    assert.equal(isCloned(seenAfter(boots)), false, boots);
  }
});

test('two devices with one key are seen as soon as both have come back once', () => {
  for (const boots of ['ABAB', 'AAABBBAAABBB', 'ABCABC', 'ABBAAB'])
    assert.equal(isCloned(seenAfter(boots)), true, boots);
});
