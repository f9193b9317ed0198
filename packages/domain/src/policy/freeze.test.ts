// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fleetInstant } from '../kernel/time.ts';
import { describeFreezeTimes, type FreezeTimes, freezeEndsAt, isFreezeTime, isTimeZone, weekTimeAt } from './freeze.ts';

const at = (text: string) => fleetInstant(Date.parse(text));

const WEEKEND: FreezeTimes = {
  kind: 'weekly',
  timeZone: 'Europe/Berlin',
  from: { day: 5, minute: 16 * 60 },
  until: { day: 1, minute: 6 * 60 },
};

describe('a freeze', () => {
  for (const [claim, times, now, isOn] of [
    ['once: holds at its first instant', once(), '2026-12-18T16:00:00Z', true],
    ['once: is over at its last', once(), '2027-01-04T06:00:00Z', false],
    ['weekly: holds on Friday afternoon of the zone, in winter', WEEKEND, '2026-11-27T15:00:00Z', true],
    ['weekly: does not a minute before', WEEKEND, '2026-11-27T14:59:00Z', false],
    ['weekly: follows the clock on the wall in summer', WEEKEND, '2026-06-26T14:00:00Z', true],
    ['weekly: holds through the night in which clocks go back', WEEKEND, '2026-10-25T01:30:00Z', true],
    ['weekly: ends on Monday by the clock of the new time', WEEKEND, '2026-10-26T05:00:00Z', false],
    ['weekly: a minute before that it holds', WEEKEND, '2026-10-26T04:59:00Z', true],
  ] as const satisfies readonly (readonly [string, FreezeTimes, string, boolean])[]) {
    test(claim, () => assert.equal(isFreezeTime(times, at(now)), isOn));
  }

  for (const [claim, now, end] of [
    ['on Monday morning, seen on Friday evening', '2026-11-27T20:31:10Z', '2026-11-30T05:00:00Z'],
    ['an hour later by UTC, seen before the clocks go back', '2026-10-24T12:00:00Z', '2026-10-26T05:00:00Z'],
    ['an hour earlier by UTC, seen before they go forward', '2026-03-28T12:00:00Z', '2026-03-30T04:00:00Z'],
  ] as const) {
    test(`over the weekend ends ${claim}`, () => assert.equal(freezeEndsAt(WEEKEND, at(now)), at(end)));
  }

  test('holds up to its end and not at it, whenever one looks', () => {
    const year = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') }).map(fleetInstant);
    fc.assert(
      fc.property(year, (now) => {
        if (!isFreezeTime(WEEKEND, now)) return;
        const end = freezeEndsAt(WEEKEND, now);
        assert.ok(end > now && !isFreezeTime(WEEKEND, end) && isFreezeTime(WEEKEND, fleetInstant(end - 1)));
      }),
      { numRuns: 300 },
    );
  });

  test('is told in words', () => {
    assert.equal(describeFreezeTimes(WEEKEND), 'weekly from fri 16:00 to mon 06:00 in Europe/Berlin');
    assert.equal(describeFreezeTimes(once()), 'from 2026-12-18T16:00:00.000Z to 2027-01-04T06:00:00.000Z');
  });

  test('knows the time zones of the world, and no other words', () => {
    for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata']) assert.ok(isTimeZone(zone), zone);
    for (const text of ['', 'Mars/Olympus', 'CEST-2']) assert.equal(isTimeZone(text), false, text);
  });
});

const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland');
const weekTime = fc.record({ day: fc.integer({ min: 1, max: 7 }), minute: fc.integer({ min: 0, max: 1_439 }) });
const instants = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') }).map(fleetInstant);

test('a weekly freeze and the one of the rest of the week share out every instant between them', () => {
  fc.assert(
    fc.property(zones, weekTime, weekTime, instants, (timeZone, from, until, now) => {
      fc.pre(from.day !== until.day || from.minute !== until.minute);
      const one = isFreezeTime({ kind: 'weekly', timeZone, from, until }, now);
      const rest = isFreezeTime({ kind: 'weekly', timeZone, from: until, until: from }, now);
      assert.notEqual(one, rest);
    }),
  );
});

test('in UTC the minute of the week is plain arithmetic', () => {
  fc.assert(
    fc.property(instants, (now) => {
      const minutes = Math.floor(now / 60_000);
      // 1 January 1970 was a Thursday.
      const expected = { day: ((Math.floor(minutes / 1_440) + 3) % 7) + 1, minute: minutes % 1_440 };
      assert.deepEqual(weekTimeAt('UTC', now), expected);
    }),
  );
});

function once(): FreezeTimes {
  return { kind: 'once', from: at('2026-12-18T16:00:00Z'), until: at('2027-01-04T06:00:00Z') };
}
