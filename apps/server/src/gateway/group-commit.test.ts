// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { durationMs } from '@outrider/domain/kernel/time';
import { SOON } from '../rehearsal.ts';
import { groupCommit } from './group-commit.ts';

function group(commit: (items: readonly number[]) => Promise<readonly number[]>, waitingMax = 100) {
  return groupCommit({ commit, itemsMax: 3, waitingMax, gatherMs: durationMs(2), schedule: SOON });
}

test('while one batch is under way the next one gathers, and each asker gets its own answer', async () => {
  const batches: (readonly number[])[] = [];
  let underWay = 0;
  const commits = group(async (items) => {
    batches.push(items);
    underWay++;
    assert.equal(underWay, 1, 'one batch at a time');
    await new Promise(setImmediate);
    underWay--;
    return items.map((item) => item * 10);
  });
  const answers = await Promise.all([1, 2, 3, 4, 5].map((item) => commits.add(item)));
  assert.deepEqual(answers, [10, 20, 30, 40, 50]);
  assert.deepEqual(batches, [
    [1, 2, 3],
    [4, 5],
  ]);
});

test('a batch that fails is told to all who were in it, and to no one else', async () => {
  let batches = 0;
  const commits = group(async (items) => {
    batches++;
    if (batches === 1) throw new StoreAwayError('cable pulled');
    return items;
  });
  const answers = await Promise.allSettled([1, 2, 3, 4].map((item) => commits.add(item)));
  assert.deepEqual(
    answers.map((answer) => answer.status),
    ['rejected', 'rejected', 'rejected', 'fulfilled'],
  );
});

test('a queue that is full turns the next one away as if the store were away', async () => {
  const commits = group(async (items) => items, 2);
  const [first, second] = [commits.add(1), commits.add(2)];
  await assert.rejects(commits.add(3), StoreAwayError);
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
});

test('a flush waits until everything before it is answered', async () => {
  let committed = 0;
  const commits = group(async (items) => {
    await new Promise(setImmediate);
    committed += items.length;
    return items;
  });
  const answers = [1, 2, 3, 4].map((item) => commits.add(item));
  await commits.flush();
  assert.equal(committed, 4);
  await Promise.all(answers);
  await commits.flush();
});

test('whoever asks again in the moment in which the last batch ended is answered too', { timeout: 5_000 }, async () => {
  const commits = group(async (items) => items);
  const answers: number[] = [];
  for (let item = 0; item < 5; item++) answers.push(await commits.add(item));
  assert.deepEqual(answers, [0, 1, 2, 3, 4]);
});
