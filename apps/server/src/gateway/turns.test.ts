// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from './turns.ts';

test('however many ask at once, only a few questions are with the database, and all are answered in order', async () => {
  const looks = turns(2);
  const begun: number[] = [];
  const endings: (() => void)[] = [];
  const answers = [0, 1, 2, 3, 4].map((number) =>
    looks.take(async () => {
      begun.push(number);
      await new Promise<void>((resolve) => endings.push(resolve));
      return number;
    }),
  );
  assert.deepEqual(begun, [0, 1]);
  for (let ended = 0; ended < 5; ended++) {
    endings[ended]?.();
    assert.equal(await answers[ended], ended);
    assert.ok(begun.length <= ended + 3, `${begun.length} begun after ${ended + 1} ended`);
  }
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

test('a question that fails gives its place to the next', async () => {
  const looks = turns(1);
  const failing = looks.take(() => Promise.reject(new Error('away')));
  const next = looks.take(async () => 'answered');
  await assert.rejects(failing, /away/);
  assert.equal(await next, 'answered');
});
