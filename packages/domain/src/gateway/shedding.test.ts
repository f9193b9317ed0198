// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { durationMs } from '../kernel/time.ts';
import {
  awayAfter,
  CROWD_MIN,
  comeBackAfterS,
  crowdPermille,
  isShed,
  LOAD_LIMITS,
  type Load,
  loadPermille,
  TURN_MIN,
} from './shedding.ts';

const IDLE: Load = { underWayCount: 0, permitsUnderWayCount: 0, reportsUnderWayCount: 0, loopDelayMs: durationMs(0) };
const count = fc.nat({ max: 100_000 });
const loads = fc.record({
  underWayCount: count,
  permitsUnderWayCount: count,
  reportsUnderWayCount: count,
  loopDelayMs: count.map(durationMs),
}) satisfies fc.Arbitrary<Load>;

test('an idle gateway turns nobody away, and a full one check-ins alone', () => {
  assert.equal(loadPermille(IDLE, LOAD_LIMITS), 0);
  const full = loadPermille({ ...IDLE, loopDelayMs: durationMs(LOAD_LIMITS.loopDelayMaxMs) }, LOAD_LIMITS);
  assert.equal(full, 1_000);
  assert.deepEqual(
    (['check-in', 'permit', 'report', 'untouched'] as const).map((urgency) => isShed(urgency, full)),
    [true, false, false, false],
  );
});

test('a crowd that has waited too long is turned away at once, a few who have are not', () => {
  const waitedMs = 2 * LOAD_LIMITS.crowdWaitMaxMs;
  assert.equal(crowdPermille({ count: CROWD_MIN + 1, waitedMs }, LOAD_LIMITS), 2_000);
  assert.equal(crowdPermille({ count: CROWD_MIN, waitedMs: 60_000 }, LOAD_LIMITS), 0);
  assert.ok(crowdPermille({ count: 100_000, waitedMs: LOAD_LIMITS.crowdWaitMaxMs - 1 }, LOAD_LIMITS) < 1_000);
});

test('a turn of the loop that has worked long enough takes on nobody else, but always its first few', () => {
  const workMs = LOAD_LIMITS.turnWorkMaxMs;
  assert.equal(crowdPermille({ count: TURN_MIN + 1, waitedMs: 0, workMs }, LOAD_LIMITS), 1_000);
  assert.equal(crowdPermille({ count: TURN_MIN + 1, waitedMs: 0, workMs: workMs / 2 }, LOAD_LIMITS), 500);
  assert.equal(crowdPermille({ count: TURN_MIN, waitedMs: 0, workMs: 60_000 }, LOAD_LIMITS), 0);
});

test('each limit alone makes a gateway full', () => {
  const full: readonly Partial<Load>[] = [
    { underWayCount: LOAD_LIMITS.underWayMax },
    { permitsUnderWayCount: LOAD_LIMITS.permitsUnderWayMax },
    { reportsUnderWayCount: LOAD_LIMITS.reportsUnderWayMax },
    { loopDelayMs: durationMs(LOAD_LIMITS.loopDelayMaxMs) },
  ];
  for (const one of full) assert.equal(loadPermille({ ...IDLE, ...one }, LOAD_LIMITS), 1_000, JSON.stringify(one));
});

test('whenever a report is turned away permits are, and whenever a permit is check-ins are; the rest never', () => {
  fc.assert(
    fc.property(loads, (load) => {
      const permille = loadPermille(load, LOAD_LIMITS);
      if (isShed('report', permille)) assert.ok(isShed('permit', permille));
      if (isShed('permit', permille)) assert.ok(isShed('check-in', permille));
      assert.ok(!isShed('untouched', permille));
    }),
    propertyOptions(),
  );
});

test('more load never takes on what less load turned away', () => {
  fc.assert(
    fc.property(loads, loads, (one, other) => {
      const more: Load = {
        underWayCount: one.underWayCount + other.underWayCount,
        permitsUnderWayCount: one.permitsUnderWayCount + other.permitsUnderWayCount,
        reportsUnderWayCount: one.reportsUnderWayCount + other.reportsUnderWayCount,
        loopDelayMs: durationMs(one.loopDelayMs + other.loopDelayMs),
      };
      assert.ok(loadPermille(more, LOAD_LIMITS) >= loadPermille(one, LOAD_LIMITS));
    }),
    propertyOptions(),
  );
});

test('those who are turned away come back over the whole of a window that grows with the load', () => {
  const seconds = (permille: number, awayCount = 0) =>
    new Set(Array.from({ length: 1_000 }, (_, n) => comeBackAfterS({ permille, awayCount }, n / 1_000)));
  assert.deepEqual([Math.min(...seconds(1_000)), Math.max(...seconds(1_000)), seconds(1_000).size], [2, 31, 30]);
  assert.deepEqual([Math.min(...seconds(3_000)), Math.max(...seconds(3_000)), seconds(3_000).size], [2, 91, 90]);
  assert.equal(Math.max(...seconds(1_000_000)), 601);
  assert.equal(Math.max(...seconds(1_000, 50_000)), 201, 'a crowd comes back no faster than it is answered');
  assert.equal(Math.max(...seconds(1_000, 10_000_000)), 601);
});

test('whoever was turned away is forgotten by halves, and a clock that stands still forgets nobody', () => {
  assert.equal(awayAfter(800, 0), 800);
  assert.equal(awayAfter(800, 60_000), 400);
  assert.ok(awayAfter(800, 600_000) < 1);
  assert.equal(awayAfter(800, -5), 800);
});
