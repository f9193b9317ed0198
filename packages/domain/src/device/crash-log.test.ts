// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { CRASHES_MAX, hadCrashBefore } from '../gateway/crash-history.ts';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '../kernel/time.ts';
import { type CrashLog, crashHistoryAt, newCrashLog, withCrash } from './crash-log.ts';

test('a crash counts as before the permit exactly when it was 72 to 24 h ago', () => {
  for (const [hoursAgo, expected] of [
    [23, false],
    [24, true],
    [72, true],
    [73, false],
  ] as const) {
    const asked = fleetInstant(NOW + 10 * DAY_MS);
    const log = withCrash(newCrashLog(NOW), fleetInstant(asked - hoursAgo * HOUR_MS), asked);
    assert.equal(hadCrashBefore(crashHistoryAt(log, asked)), expected, `${hoursAgo} h ago`);
  }
});

test('what a device says is never wrong, however often it crashed: true is a crash it had, false is none in all it knows', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10 * 60), { maxLength: 120 }), fc.nat(80), (gapsInMinutes, waitHours) => {
      const crashes = instantsAfter(gapsInMinutes);
      const asked = fleetInstant((crashes.at(-1) ?? NOW) + waitHours * HOUR_MS);
      const said = hadCrashBefore(crashHistoryAt(logOf(crashes), asked));
      const isTrue = crashes.some((one) => asked - one >= DAY_MS && asked - one <= 3 * DAY_MS);
      if (said !== undefined) assert.equal(said, isTrue);
      else assert.ok(asked - NOW < 3 * DAY_MS || crashes.length > CRASHES_MAX, 'unknown without a cause');
    }),
    propertyOptions({ runs: 500 }),
  );
});

test('a device tells at most as many crashes as the server takes, and says how far back it knows', () => {
  const crashes = Array.from({ length: 100 }, (_, index) => fleetInstant(NOW + index * HOUR_MS));
  const asked = fleetInstant(NOW + 100 * HOUR_MS);
  const history = crashHistoryAt(logOf(crashes), asked);
  assert.equal(history?.agesMs.length, CRASHES_MAX);
  assert.equal(history?.knownForMs, CRASHES_MAX * HOUR_MS);
});

test('a crash that is told twice counts once, and a clock that went back says nothing', () => {
  const log = withCrash(withCrash(newCrashLog(NOW), NOW, NOW), NOW, NOW);
  assert.deepEqual(log.at, [NOW]);
  assert.equal(crashHistoryAt(log, fleetInstant(NOW - 1)), undefined);
  assert.equal(hadCrashBefore(undefined), undefined);
});

function instantsAfter(gapsInMinutes: readonly number[]): readonly FleetInstant[] {
  const instants: FleetInstant[] = [];
  for (const gap of gapsInMinutes) instants.push(fleetInstant((instants.at(-1) ?? NOW) + gap * MINUTE_MS));
  return instants;
}

function logOf(crashes: readonly FleetInstant[]): CrashLog {
  return crashes.reduce((log, at) => withCrash(log, at, at), newCrashLog(NOW));
}
