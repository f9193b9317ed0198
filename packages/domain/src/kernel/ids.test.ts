// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { type DeviceId, parseId, parseSha256 } from './ids.ts';

describe('an id from outside', () => {
  test('is safe in paths, URLs, logs and SQL, or no id', () => {
    for (const text of ['d1', 'VIN:WVW-123', 'a@b+c_d.e']) assert.ok(parseId<DeviceId>('device id', text).ok);
    for (const text of ['', '.', '-a', '../d1', 'a b', "a'b", 'ä', 'a'.repeat(129)]) {
      const parsed = parseId<DeviceId>('device id', text);
      assert.deepEqual(!parsed.ok && parsed.error, { code: 'id-malformed', noun: 'device id', seen: text });
    }
  });

  test('that is no text at all is refused by name, never thrown at', () => {
    const hostile: readonly unknown[] = [{ toString: false }, { toString: 1, valueOf: 2 }, null, undefined, 1, []];
    for (const value of hostile) {
      assert.equal(parseId<DeviceId>('device id', value).ok, false);
      assert.equal(parseSha256(value).ok, false);
    }
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        parseId<DeviceId>('device id', value);
        parseSha256(value);
      }),
      propertyOptions(),
    );
  });
});
