// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineInstant } from '@outrider/domain/kernel/time';
import { aDevice, aSnapshot } from '@outrider/testkit/small-fleet';
import { createCounters } from './counters.ts';
import { wakeDesk } from './wake-desk.ts';

/** A desk on a clock and timers in hand, and devices that listen at it. */
function stage(listeners: number, listenersMax = 100_000) {
  let nowMs = 0;
  const due: (() => void)[] = [];
  const called: string[] = [];
  const ended: string[] = [];
  const desk = wakeDesk({
    schedule: {
      after(_, work) {
        due.push(work);
        return () => {};
      },
    },
    machineClock: { now: () => machineInstant(nowMs) },
    counters: createCounters(),
    listenersMax,
  });
  const listen = (deviceId: string) =>
    desk.listen(aDevice({ deviceId }), {
      call: () => void called.push(deviceId),
      end: (why) => void ended.push(`${deviceId} ${why}`),
    });
  for (let number = 0; number < listeners; number++) listen(`d${number}`);
  return {
    ...{ desk, listen, called, ended },
    /** Time passes, and what is due is done. */
    pass(ms: number) {
      nowMs += ms;
      for (const work of due.splice(0)) work();
    },
  };
}

const running = aSnapshot([{}]);
const paused = aSnapshot([{}], [{ kind: 'scope-paused', scope: 'global', reason: 'r' }]);

test('two thousand are called a second, each once, and a timer that is late is made up for', () => {
  const { desk, called, pass } = stage(3_000);
  desk.policyRead(running, paused);
  pass(0);
  assert.equal(called.length, 100, 'what is due in the first twentieth of a second');
  pass(50);
  assert.equal(called.length, 200);
  pass(400);
  assert.equal(called.length, 1_000, 'what was due in 400 ms');
  pass(60_000);
  assert.equal(called.length, 2_000, 'a clock that leapt calls no more than half a second of them at once');
  for (let turns = 0; turns < 30; turns++) pass(50);
  assert.equal(called.length, 3_000);
  assert.equal(new Set(called).size, 3_000);
});

test('as many listen as may, a device over its newest line, and nobody at a server that goes away', () => {
  const { desk, listen, ended } = stage(3, 3);
  assert.equal(listen('d3'), undefined);
  assert.notEqual(listen('d1'), undefined);
  assert.deepEqual(ended, ['d1 replaced']);
  assert.equal(desk.count(), 3);
  desk.leave();
  assert.deepEqual(ended.slice(1), ['d0 elsewhere', 'd2 elsewhere', 'd1 elsewhere']);
  assert.equal(listen('d0'), undefined);
  assert.equal(desk.count(), 0);
});

test('who has gone before its turn is not called, and costs no other a place', () => {
  const { desk, listen, called, pass } = stage(150);
  const unlisten = listen('d149');
  desk.policyRead(running, paused);
  pass(0);
  unlisten?.();
  pass(50);
  assert.equal(called.includes('d149'), false);
  assert.equal(called.length, 149);
});
