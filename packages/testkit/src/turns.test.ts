// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { prng } from '@outrider/domain/kernel/prng';
import { createTurns, type Turns } from './turns.ts';

/** Eight who each take three turns; the order in which they come. */
async function orderOf(seed: string): Promise<string> {
  const turns = createTurns(prng(seed));
  const seen: string[] = [];
  await Promise.all(
    Array.from({ length: 8 }, async (_, who) => {
      for (let turn = 0; turn < 3; turn++) {
        await turns.waitAbout(5);
        seen.push(`${who}.${turn}`);
      }
    }),
  );
  return seen.join(' ');
}

test('the same seed gives the same interleaving, another seed another one', async () => {
  assert.equal(await orderOf('a'), await orderOf('a'));
  assert.notEqual(await orderOf('a'), await orderOf('b'));
});

test('machine time moves from turn to turn and stands still in between', async () => {
  const turns = createTurns(prng('clock'));
  await turns.wait(30);
  assert.equal(turns.clock.now(), 30);
  turns.jump(600);
  await Promise.all([turns.wait(5), turns.wait(2)]);
  assert.equal(turns.clock.now(), 635);
});

test('work that leaves the simulated world holds all others back, however long it takes', async () => {
  const seen = await Promise.all([0, 6].map(async (reallyMs) => playAlone(createTurns(prng('alone')), reallyMs)));
  assert.deepEqual(seen[0], ['begun', 'ended', 'other']);
  assert.deepEqual(seen[1], seen[0]);
});

async function playAlone(turns: Turns, reallyMs: number): Promise<readonly string[]> {
  const seen: string[] = [];
  const other = turns.wait(1).then(() => seen.push('other'));
  await turns.alone(async () => {
    seen.push('begun');
    await delay(reallyMs);
    seen.push('ended');
  });
  await other;
  return seen;
}

test('rest comes when nobody waits any more', async () => {
  const turns = createTurns(prng('rest'));
  let count = 0;
  void turns.wait(10).then(() => turns.wait(10).then(() => count++));
  await turns.rest();
  assert.equal(count, 1);
  assert.equal(turns.taken(), 2);
});
