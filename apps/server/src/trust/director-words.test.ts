// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { after, durationMs, fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';
import { directorWords } from './director-words.ts';

const NOW = fleetInstant(1_800_000_000_000);
const about = { payload: 'release 2', isRollback: false, hardwareId: 'rev-c', keyId: 'k1' };
const word = { ...about, text: 'the word', expiresAt: after(NOW, LIFETIMES['device-targets']) };
const [camera, other] = ['camera-1', 'camera-2'] as [DeviceId, DeviceId];

test('a word is said again while it says the same, until two hours before its end', () => {
  const words = directorWords();
  words.begin(camera)(word);
  assert.equal(words.recall(camera, about, after(NOW, durationMs(21 * HOUR_MS))), 'the word');
  assert.equal(words.recall(camera, about, after(NOW, durationMs(22 * HOUR_MS))), undefined);
  assert.equal(words.recall(other, about, NOW), undefined);
  for (const change of [{ payload: 'release 3' }, { isRollback: true }, { hardwareId: 'rev-d' }, { keyId: 'k2' }]) {
    assert.equal(words.recall(camera, { ...about, ...change }, NOW), undefined, JSON.stringify(change));
  }
});

test('a device that may have heard another gateway is told nothing older, not even what was being signed meanwhile', () => {
  const words = directorWords();
  words.begin(camera)(word);
  words.forget(camera);
  assert.equal(words.recall(camera, about, NOW), undefined);
  const keepLate = words.begin(camera);
  words.forget(camera);
  keepLate(word);
  assert.equal(words.recall(camera, about, NOW), undefined);
  const keepFirst = words.begin(camera);
  words.begin(camera)({ ...word, text: 'the newer word' });
  keepFirst(word);
  assert.equal(words.recall(camera, about, NOW), 'the newer word');
});

test('a gateway keeps so many words and no more: the one that was signed longest ago leaves', () => {
  const words = directorWords(2);
  const ids = ['a', 'b', 'c'] as DeviceId[];
  for (const id of ids) words.begin(id)(word);
  assert.deepEqual(
    ids.map((id) => words.recall(id, about, NOW)),
    [undefined, 'the word', 'the word'],
  );
});
