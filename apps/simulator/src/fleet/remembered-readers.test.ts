// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { rememberedReaders } from './remembered-readers.ts';

test('what is remembered of a signed text is what its reader says, for good texts and bad ones alike', () => {
  const { parseManifest: read } = rememberedReaders();
  for (const text of ['', '{}', '{"schema":1}', 'null', '{}']) {
    assert.deepEqual(read(text), parseManifest(text));
    assert.equal(read(text), read(text));
  }
});

test('a process that sees many texts remembers the first of them and reads the others anew', () => {
  const { parseManifest: read } = rememberedReaders();
  const texts = Array.from({ length: 100 }, (_, number) => `{"schema":${number}}`);
  const first = texts.map(read);
  const kept = texts.filter((text, index) => read(text) === first[index]);
  assert.deepEqual(kept, texts.slice(0, 64));
});
