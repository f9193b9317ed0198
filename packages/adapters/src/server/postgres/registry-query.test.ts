// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { sqlConditionOf } from './registry-query.ts';

const NOW = fleetInstant(1_800_000_000_000);

/** Whatever the parser lets through today, and all that it refuses. */
const hostile = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.constantFrom("'; drop table device; --", "' or '1'='1", '$1', '\\', '"', "x')) or true --", '%', '_'),
);

const query: fc.Arbitrary<DeviceQuery> = fc.oneof(
  fc.record({
    kind: fc.constant('text' as const),
    field: fc.constantFrom('deviceId' as const, 'region' as const),
    in: fc.array(fc.record({ kind: fc.constantFrom('exactly' as const, 'beginning' as const), text: hostile }), {
      minLength: 1,
    }),
  }),
  fc.record({
    kind: fc.constant('tag' as const),
    in: fc.array(fc.record({ kind: fc.constantFrom('exactly' as const, 'beginning' as const), text: hostile }), {
      minLength: 1,
    }),
  }),
  fc.record({ kind: fc.constant('version' as const), order: fc.constant('<' as const), than: hostile }),
);

test('nothing that somebody typed is ever part of the statement: it is made of our words and parameters alone', () => {
  const words =
    /^(?:[ (),.'~&|<>=]|\$\d+::(?:text|text\[\]|bigint|integer)|\b(?:p|d|or|and|any|exists|select|from|unnest|as|tag|name|where|starts_with|version_key|device_id|region|tags)\b)+$/;
  fc.assert(
    fc.property(query, (one) => {
      const { text, values } = sqlConditionOf(one, NOW, 3);
      assert.match(text, words);
      const numbers = [...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number));
      assert.deepEqual(
        [...new Set(numbers)].sort((a, b) => a - b),
        values.map((_, index) => index + 3),
      );
    }),
    propertyOptions(),
  );
});
