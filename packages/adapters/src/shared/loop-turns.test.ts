// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as elapse, setImmediate as nextTurn } from 'node:timers/promises';
import { loopTurns } from './loop-turns.ts';

test('what a turn of the loop takes up has waited for the turn before it and for what came before it in this one', async () => {
  const turns = loopTurns();
  turns.enter();
  await nextTurn();
  turns.enter();
  busy(120);
  assert.ok(turns.enter().waitedMs >= 119, 'in the same turn');
  assert.equal(turns.enter().countInTurn, 3);
  await nextTurn();
  const next = turns.enter();
  assert.equal(next.countInTurn, 1);
  assert.ok(next.waitedMs >= 119, 'in the turn after it');
});

test('a loop that had nothing to do for long is no queue', async () => {
  const turns = loopTurns();
  turns.enter();
  await nextTurn();
  await elapse(400);
  turns.enter();
  await nextTurn();
  await elapse(400);
  // Another process may have had the processor meanwhile: that is a wait too, and not of 400 ms each time.
  assert.ok(turns.enter().waitedMs < 400);
});

function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
