// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { ownText } from './own-text.ts';

test('a text of its own says the same, however long, and whatever was said before it', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ -~]{0,140}$/), { maxLength: 5 }), (texts) => {
      const own = texts.map((text) => ownText(text));
      assert.deepEqual(own, texts);
    }),
    propertyOptions(),
  );
});
