// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { after, DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, instantText } from '../kernel/time.ts';
import type { DeviceRecord } from './device-record.ts';
import { type DeviceQuery, describeQueryError, QUERY_DEPTH_MAX } from './query.ts';
import { isAboutProfiles, matchQuery } from './query-match.ts';
import { parseQuery } from './query-parse.ts';
import { instantOf } from './query-values.ts';

const device: DeviceRecord = aDevice({
  deviceId: 'cam-7',
  version: '2.0.0-rc.1',
  releaseCounter: 9,
  attributes: { hardwareId: 'rev-c', tags: ['dogfood', 'cohort:A'] },
}).record;

const GROUPS = new Map<string, DeviceQuery>([
  ['lab', { kind: 'tag', in: [{ kind: 'exactly', text: 'dogfood' }] }],
  ['nobody', { kind: 'not', of: { kind: 'all' } }],
]);

function isFound(text: string, now: FleetInstant = NOW): boolean {
  const query = parseQuery(text, (groupId) => GROUPS.get(groupId));
  assert.ok(query.ok, query.ok ? '' : describeQueryError(query.error));
  return matchQuery(query.value, device, now);
}

describe('a query of the registry', () => {
  for (const [text, found] of [
    ['', true],
    ['hardware = rev-c and version < 2.0', true],
    ['hardwareId=rev-c and version<2.0', true],
    ['version < 2.0.0-rc.1', false],
    ['version = 2.0.0-rc.1+build.7', true],
    ['version >= 2', false],
    ['counter >= 9 and counter != 10', true],
    ['cohort = A', true],
    ['cohort = B', false],
    ['cohort = *', true],
    ['group = lab', true],
    ['group in (nobody, lab) and not group = nobody', true],
    ['group != lab', false],
    ['tag in (alpha, dogfood)', true],
    ['tag != dogfood', false],
    ['id = cam-*', true],
    ['id not in ("cam-7", cam-8)', false],
    ['state in (idle, failed)', true],
    ['region = us or customer = c1', true],
    ['region = us and customer = c1 or model = m1', true],
    ['region = us and (customer = c1 or model = m1)', false],
    ['NOT region = us AND NOT NOT model = m1', true],
    ['version in (1.0.0, 2.0.0-rc.1)', true],
    ['version not in (1.0.0)', true],
  ] as const) {
    test(`${text || '(nothing)'} ${found ? 'finds' : 'does not find'} the device`, () => {
      assert.equal(isFound(text), found);
    });
  }

  test('silence is counted from the last contact to the moment of asking', () => {
    const now = after(NOW, HOUR_MS);
    assert.equal(isFound('silent >= 1h', now), true);
    assert.equal(isFound('silent > 60m', now), false);
    assert.equal(isFound('silent > 0.5h and silent < 1d', now), true);
    assert.equal(isFound(`contact < ${instantText(now)}`), true);
    assert.equal(isFound(`registered >= ${instantText(now)}`), false);
  });

  for (const [text, column, allowed] of [
    ['modell = x', 1, /a field: one of deviceId id/],
    ['model', 6, /one of = != in not in after model/],
    ['model < x', 7, /one of = != in not in after model/],
    ['model = ', 9, /a value/],
    ['model = x y', 11, /and, or, or the end/],
    ['model = x and', 14, /a field/],
    ['(model = x', 11, /the closing bracket/],
    ['model in x', 10, /an opening bracket after in/],
    ['model in (x y)', 13, /a comma or the closing bracket/],
    ['model not = x', 11, /in after not/],
    ['version = 2.0', 11, /version >= 2\.0 and version < 2\.1/],
    ['version > 2', 11, /a whole version/],
    ['silent in (7d)', 8, /one of < <= > >=/],
    ['silent > 7', 10, /such as 90m, 36h or 7d/],
    ['contact < 2026-02-30', 11, /an instant of UTC/],
    ['state = asleep', 9, /a state: one of idle checking/],
    ["model = 'x' ; drop table device", 13, /a field, one of =/],
    ['model = "x', 9, /between two quotes/],
    ["customer = x'y", 13, /between two quotes/],
    ['customer = "x\' or 1=1"', 12, /a value of 1 to 128/],
    [`${'('.repeat(QUERY_DEPTH_MAX + 1)}`, QUERY_DEPTH_MAX + 1, /levels of brackets/],
    ['x'.repeat(5_000), 4_097, /at most 4096 characters/],
    [Array.from({ length: 65 }, () => 'model = x').join(' and '), 64 * 14 + 1, /at most 64 comparisons/],
  ] as const) {
    test(`${text.slice(0, 40)} is refused at column ${column}, with what may stand there`, () => {
      const query = parseQuery(text);
      assert.ok(!query.ok);
      assert.equal(query.error.column, column);
      assert.match(describeQueryError(query.error), allowed);
    });
  }

  test('whatever is typed is a query or an error inside the text, never a crash', () => {
    const piece = fc.constantFrom(
      'model',
      '=',
      '(',
      ')',
      'and',
      'or',
      'not',
      'in',
      ',',
      '"',
      "'",
      '2.0',
      'version',
      '<',
      '*',
      ' ',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join(' ')),
        ),
        (text) => {
          const query = parseQuery(text);
          if (query.ok) matchQuery(query.value, device, NOW);
          else assert.ok(query.error.column >= 1 && query.error.column <= text.length + 1);
        },
      ),
      propertyOptions(),
    );
  });

  test('an instant is read as it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 250_000_000_000 }), (seconds) => {
        const instant = fleetInstant(seconds * 1_000);
        assert.equal(instantOf(instantText(instant)), instant);
      }),
      propertyOptions(),
    );
    assert.equal(instantOf('1970-01-02'), DAY_MS);
    assert.equal(instantOf('2024-02-29T24:00Z'), undefined);
  });

  test('what many devices share can be counted by kinds, what each has alone cannot', () => {
    const isShared = (text: string) => {
      const query = parseQuery(text);
      return query.ok && isAboutProfiles(query.value);
    };
    assert.equal(isShared('cohort = A and version < 2.0 or not state = idle'), true);
    assert.equal(isShared('cohort = A and silent > 7d'), false);
    assert.equal(isShared('not id = x'), false);
  });
});
