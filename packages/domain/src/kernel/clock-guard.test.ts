// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  acceptClock,
  CLOCK_TOLERANCE_MS,
  type ClockGuard,
  type ClockObservation,
  EARLIEST_FLEET_INSTANT,
  FLOOR_AGE_MS,
  guardClock,
  JUMP_SETTLED_MAX_MS,
  SETTLE_MS,
  startClockGuard,
  storedClockOf,
} from './clock-guard.ts';
import { DAY_MS, fleetInstant, HOUR_MS, MINUTE_MS, machineInstant } from './time.ts';

/** A noon in November 2026. */
const NOON = 1_795_262_400_000;
const YEAR_MS = 365 * DAY_MS;

/** Both clocks `afterMs` after noon on a machine that began then; the wall clock is `wrongMs` ahead. */
function seen(afterMs: number, wrongMs = 0): ClockObservation {
  return {
    wallAt: fleetInstant(Math.max(0, Math.floor(NOON + afterMs + wrongMs))),
    machineAt: machineInstant(afterMs),
  };
}

/** Looks each `everyMs` from `fromMs` to `toMs`. */
function look(guard: ClockGuard, fromMs: number, toMs: number, wrongMs = 0, everyMs: number = MINUTE_MS): ClockGuard {
  let current = guard;
  for (let at = fromMs; at <= toMs; at += everyMs) current = guardClock(current, seen(at, wrongMs));
  return current;
}

const started = startClockGuard(seen(0));

test('while both clocks agree fleet time is the wall clock, also when a time server slews it', () => {
  let guard = started;
  for (let minute = 1; minute <= 600; minute++) {
    const slewMs = Math.floor(minute * 30);
    guard = guardClock(guard, seen(minute * MINUTE_MS, slewMs));
    assert.equal(guard.fleetAt, NOON + minute * MINUTE_MS + slewMs);
    assert.equal(guard.hold, undefined);
  }
});

for (const [jump, wrongMs] of [
  ['a day forward', DAY_MS],
  ['a day back', -DAY_MS],
  ['to 1970', -NOON],
  ['to 2099', 73 * YEAR_MS],
] as const) {
  test(`a wall clock that jumps ${jump} holds fleet time by name, which goes on by machine time until a person vouches`, () => {
    const held = look(started, MINUTE_MS, 5 * HOUR_MS, wrongMs);
    assert.equal(held.hold?.code, 'clock-jumped');
    assert.equal(held.fleetAt, NOON + 5 * HOUR_MS, 'as if nothing had happened');
    const returned = look(held, 5 * HOUR_MS + MINUTE_MS, 6 * HOUR_MS);
    assert.equal(returned.hold, undefined, 'a jump that is taken back needs nobody');
    assert.equal(returned.fleetAt, NOON + 6 * HOUR_MS);
    const vouched = acceptClock(held, seen(5 * HOUR_MS, wrongMs));
    assert.equal(vouched.hold, undefined);
    assert.equal(vouched.fleetAt, NOON + 5 * HOUR_MS + Math.max(0, wrongMs), 'forward it steps, back it never goes');
    assert.equal(guardClock(vouched, seen(6 * HOUR_MS, wrongMs)).fleetAt, vouched.fleetAt + HOUR_MS);
  });
}

test('a small jump is believed once the clock has been steady for ten minutes, and not before', () => {
  const early = look(started, MINUTE_MS, SETTLE_MS, 600_000);
  assert.equal(early.hold?.code, 'clock-jumped');
  const settled = look(early, SETTLE_MS + MINUTE_MS, SETTLE_MS + 2 * MINUTE_MS, 600_000);
  assert.equal(settled.hold, undefined);
  assert.equal(settled.fleetAt, NOON + SETTLE_MS + 2 * MINUTE_MS + 600_000);
});

test('after a small jump back fleet time goes on and keeps its lead over the wall clock, over a restart too', () => {
  const settled = look(started, MINUTE_MS, SETTLE_MS + 2 * MINUTE_MS, -600_000);
  assert.equal(settled.hold, undefined);
  assert.equal(settled.fleetAt, NOON + SETTLE_MS + 2 * MINUTE_MS);
  const at = SETTLE_MS + 3 * MINUTE_MS;
  const again = startClockGuard(seen(at, -600_000), storedClockOf(settled));
  assert.equal(again.hold, undefined);
  assert.equal(again.fleetAt, NOON + at);
  const later = startClockGuard(seen(at + HOUR_MS, -600_000), storedClockOf(settled));
  assert.equal(later.leadMs, 0, 'once the wall clock has passed all stamps the lead is forgotten');
  assert.ok(later.fleetAt > settled.fleetAt);
});

test('looks that follow each other within a millisecond do not make a held fleet time stand still', () => {
  const held = look(started, 1_000, 3_000, DAY_MS, 0.3);
  assert.ok(Math.abs(held.fleetAt - NOON - 3_000) <= 2, `${held.fleetAt - NOON} ms of 3,000`);
});

test('a clock that races in steps too small to be jumps is found by their sum', () => {
  let guard = started;
  for (let at = 0; at <= 60_000; at += 100) guard = guardClock(guard, seen(at, at * 2));
  assert.equal(guard.hold?.code, 'clock-jumped');
  assert.ok(guard.fleetAt - NOON <= 60_000 + CLOCK_TOLERANCE_MS);
});

test('a server that was stopped for half a minute, or for an hour, has slept and not jumped', () => {
  for (const sleptMs of [30_000, HOUR_MS]) {
    const woken = guardClock(started, seen(sleptMs));
    assert.equal(woken.hold, undefined);
    assert.equal(woken.fleetAt, NOON + sleptMs);
  }
});

test('a machine that was suspended, whose machine time stood still, is held, and settles if it was short', () => {
  const suspendedMs = 40 * MINUTE_MS;
  const woken = guardClock(started, seen(1_000, suspendedMs));
  assert.equal(woken.hold?.code, 'clock-jumped');
  assert.equal(look(woken, 2_000, SETTLE_MS + 2 * MINUTE_MS, suspendedMs).hold, undefined);
});

test('a start behind what was stored, in 1970 or far ahead is held by name; a downtime of a week is believed', () => {
  const stored = { floor: fleetInstant(NOON), leadMs: 0 };
  assert.equal(startClockGuard(seen(0, -HOUR_MS), stored).hold?.code, 'clock-behind-store');
  assert.equal(startClockGuard(seen(0, -HOUR_MS), stored).fleetAt, NOON);
  assert.equal(startClockGuard(seen(0, -NOON)).hold?.code, 'clock-behind-store');
  assert.equal(startClockGuard(seen(0, -NOON)).fleetAt, EARLIEST_FLEET_INSTANT);
  assert.equal(startClockGuard(seen(0, 73 * YEAR_MS), stored).hold?.code, 'clock-far-ahead');
  const late = startClockGuard(seen(0, 7 * DAY_MS), stored);
  assert.deepEqual([late.hold, late.fleetAt], [undefined, NOON + 7 * DAY_MS]);
});

const wrongs = fc.oneof(
  fc.integer({ min: -3_000, max: 3_000 }),
  fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }),
  fc.constantFrom(-NOON, 73 * YEAR_MS),
);
const steps = fc.array(
  fc.record({
    passedMs: fc.integer({ min: 0, max: 30 * MINUTE_MS }),
    wrongMs: fc.option(wrongs),
    isRestart: fc.boolean(),
  }),
  { minLength: 1, maxLength: 80 },
);

test('whatever the wall clock does, fleet time never goes back, over restarts too', () => {
  fc.assert(
    fc.property(steps, (history) => {
      let [guard, at, wrongMs] = [started, 0, 0];
      for (const { passedMs, wrongMs: next, isRestart } of history) {
        at += passedMs;
        wrongMs = next ?? wrongMs;
        const before = guard.fleetAt;
        guard = isRestart
          ? startClockGuard(seen(at, wrongMs), storedClockOf(guard))
          : guardClock(guard, seen(at, wrongMs));
        assert.ok(guard.fleetAt >= before, `${guard.fleetAt} after ${before}`);
      }
    }),
  );
});

test('while one server runs no jump moves fleet time further than an hour beyond machine time', () => {
  fc.assert(
    fc.property(steps, (history) => {
      let [guard, at, wrongMs] = [started, 0, 0];
      for (const { passedMs, wrongMs: next } of history) {
        at += passedMs;
        wrongMs = next ?? wrongMs;
        const before = guard.fleetAt;
        guard = guardClock(guard, seen(at, wrongMs));
        const gainedMs = guard.fleetAt - before - passedMs;
        assert.ok(gainedMs <= JUMP_SETTLED_MAX_MS + CLOCK_TOLERANCE_MS, `gained ${gainedMs} ms`);
      }
    }),
  );
});

test('a server killed before its newest floor was stored goes on without going back, when the clock is right', () => {
  const told = look(started, MINUTE_MS, HOUR_MS, 0);
  const stale = { floor: fleetInstant(told.fleetAt - FLOOR_AGE_MS), leadMs: 0 };
  assert.ok(startClockGuard(seen(HOUR_MS + 1_000), stale).fleetAt > told.fleetAt);
});
