// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterThisRound } from '@outrider/adapters/shared/delay';
import { machineInstant } from '@outrider/domain/kernel/time';
import { turnShare } from './turn-share.ts';

const SHARE_MS = 10;
const WORK_MS = 4;

const nextTurn = () => new Promise<void>((resolve) => afterThisRound(resolve));

/** Requests that come on a clock which only their own work moves. */
function requests() {
  let nowMs = 0;
  const share = turnShare({ now: () => machineInstant(nowMs) }, SHARE_MS);
  const served: { readonly name: string; readonly waitedMs: number }[] = [];
  const serve = (name: string, waitedMs: number) => {
    served.push({ name, waitedMs });
    nowMs += WORK_MS;
  };
  return {
    served,
    come(name: string) {
      if (share.isFree()) serve(name, 0);
      else share.later((waitedMs) => serve(name, waitedMs));
    },
  };
}

test('a turn serves new requests for as long as its share lasts, and the others wait, in order and for a known time', async () => {
  const { served, come } = requests();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) come(name);
  assert.deepEqual(
    served.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  await nextTurn();
  assert.deepEqual(served.slice(3), [
    { name: 'd', waitedMs: 0 },
    { name: 'e', waitedMs: 4 },
    { name: 'f', waitedMs: 8 },
  ]);
  // Whoever comes now comes after those who wait, though this turn has done nothing yet.
  come('i');
  await nextTurn();
  assert.deepEqual(served.slice(6), [
    { name: 'g', waitedMs: 12 },
    { name: 'h', waitedMs: 16 },
    { name: 'i', waitedMs: 8 },
  ]);
  come('j');
  assert.deepEqual(served.at(-1), { name: 'j', waitedMs: 0 });
});

test('each turn has a share of its own', async () => {
  const { served, come } = requests();
  for (let turn = 0; turn < 3; turn++) {
    for (const name of ['a', 'b', 'c']) come(name);
    assert.equal(served.length, 3 * (turn + 1));
    await nextTurn();
  }
});

test('a request that brings the next one while it is served does not keep the turn', async () => {
  const share = turnShare({ now: () => machineInstant(0) }, SHARE_MS);
  let served = 0;
  const serve = () => {
    served++;
    if (served < 5) share.later(serve);
  };
  share.later(serve);
  await nextTurn();
  assert.ok(served >= 1);
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  assert.equal(served, 5);
});
