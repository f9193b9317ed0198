// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineInstant } from '@outrider/domain/kernel/time';
import { createCounters } from './counters.ts';
import { loadGate } from './load-gate.ts';

const CHECK_IN = { path: '/v1/check-in' };

/** A gate whose loop is never late, on a clock that is set by hand: reads alone say how full it is. */
function gateOfReads() {
  let nowMs = 0;
  const gate = loadGate({
    machineClock: { now: () => machineInstant(nowMs) },
    schedule: { after: () => () => {} },
    counters: createCounters(),
    loopTurns: { enter: () => ({ countInTurn: 1, waitedMs: 0, workMs: 0 }) },
  });
  return {
    gate,
    passMs: (ms: number) => {
      nowMs += ms;
    },
    /** Takes on so many check-ins; answers with the way to end their reads. */
    takeOn(count: number) {
      const ends: (() => void)[] = [];
      const all = Array.from({ length: count }, () => {
        const read = new Promise<void>((resolve) => ends.push(resolve));
        return gate.underWay(CHECK_IN, read);
      });
      return async () => {
        for (const end of ends) end();
        await Promise.all(all);
      };
    },
  };
}

test('a check-in is turned away when as many wait for their reads as take too long, before it has passed', async () => {
  const { gate, passMs, takeOn } = gateOfReads();
  const endFirst = takeOn(100);
  passMs(25);
  assert.equal(gate.shed(CHECK_IN), undefined);
  await endFirst();
  // A quarter of a millisecond each.
  const endNext = takeOn(398);
  assert.equal(gate.shed(CHECK_IN), undefined);
  const endMore = takeOn(2);
  const answer = gate.shed(CHECK_IN);
  assert.equal(answer?.status, 503);
  assert.equal(gate.shed({ path: '/health/live' }), undefined);
  assert.equal(gate.shed({ path: '/v1/report' }), undefined);
  await endMore();
  await endNext();
  assert.equal(gate.shed(CHECK_IN), undefined);
});

test('a few are taken on however long their reads take', async () => {
  const { gate, passMs, takeOn } = gateOfReads();
  const endFirst = takeOn(30);
  passMs(400);
  assert.equal(gate.shed(CHECK_IN), undefined);
  await endFirst();
  const endNext = takeOn(30);
  assert.equal(gate.shed(CHECK_IN), undefined);
  await endNext();
});
