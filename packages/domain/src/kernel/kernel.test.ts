// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AssertionError, assertNever, present } from './assert.ts';
import { type DeviceId, parseId, parseSha256 } from './ids.ts';
import { nextState, type Table } from './table.ts';
import { after, DAY_MS, durationMs, elapsedMs, fleetInstant, hours, instantText, minutes } from './time.ts';

test('an id that could leave its path, its URL or its log line is refused by name', () => {
  for (const bad of ['', '../etc', 'a b', 'a/b', 'ä', '-x', 'x'.repeat(129), 7, null, 'a\n']) {
    const parsed = parseId<DeviceId>('device id', bad);
    assert.ok(!parsed.ok, String(bad));
    assert.equal(parsed.error.code, 'id-malformed');
  }
  assert.ok(parseId<DeviceId>('device id', 'camera-0001@site:7').ok);
});

test('a digest is 64 lower-case hexadecimal digits and nothing else', () => {
  assert.ok(parseSha256('0'.repeat(64)).ok);
  assert.ok(!parseSha256('A'.repeat(64)).ok);
  assert.ok(!parseSha256('0'.repeat(63)).ok);
});

test('fleet time adds and subtracts in whole milliseconds', () => {
  const start = fleetInstant(1_000);
  assert.equal(elapsedMs(start, after(start, hours(2))), 7_200_000);
  assert.equal(minutes(90), hours(1.5));
  assert.equal(DAY_MS, hours(24));
  assert.throws(() => fleetInstant(-1), AssertionError);
  assert.throws(() => fleetInstant(0.5), AssertionError);
  assert.throws(() => durationMs(Number.NaN), AssertionError);
});

test('a table moves, stays, or says that the event must not happen there', () => {
  const table: Table<'open' | 'shut', 'close' | 'open'> = {
    open: { close: 'shut', open: 'stay' },
    shut: { close: 'impossible', open: 'open' },
  };
  assert.equal(nextState(table, 'open', 'close'), 'shut');
  assert.equal(nextState(table, 'open', 'open'), 'open');
  assert.equal(nextState(table, 'shut', 'close'), undefined);
});

test('a bug ends in an assertion that says what was expected', () => {
  assert.throws(() => assertNever('x' as never), /no further kind/);
  assert.throws(() => present(undefined, 'a row'), /Expected a row/);
  assert.equal(present(0, 'a number'), 0);
});

test('an instant reads as its civil date in UTC, leap days and century years included', () => {
  const instants = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(instants, (ms) => {
      assert.equal(instantText(fleetInstant(ms)), `${new Date(ms).toISOString().slice(0, 19)}Z`);
    }),
    { examples: [[0], [Date.UTC(2000, 1, 29)], [Date.UTC(2100, 1, 28, 23, 59, 59, 999)], [Date.UTC(2100, 2, 1)]] },
  );
});
