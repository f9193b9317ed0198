// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShifted } from './mann-whitney.ts';
import { RIVALS, type StepSeen, TUNED_BREAKER } from './rivals.ts';

test('a breaker halts at its share of enough installations, and not below either', () => {
  const tuned = judgeOf(TUNED_BREAKER);
  assert.equal(tuned(seen({ ended: 199, reverted: 100 })), false);
  assert.equal(tuned(seen({ ended: 250, reverted: 2 })), false);
  assert.equal(tuned(seen({ ended: 250, reverted: 3 })), true);
});

test('group errors are counted over the whole group, in whole percent', () => {
  const judge = judgeOf('group errors 5 %');
  assert.equal(judge(seen({ size: 200, ended: 9, reverted: 5, failed: 4 })), false);
  assert.equal(judge(seen({ size: 200, ended: 1, failed: 1 })), true);
});

test('an abort percentage waits for its minimum number', () => {
  const judge = judgeOf('abort 2 %, n >= 100');
  assert.equal(judge(seen({ ended: 99, reverted: 50 })), false);
  assert.equal(judge(seen({ ended: 1 })), true);
});

test('the canary is worse when its hours are higher than the baseline, and not when they are alike', () => {
  const quiet = Array.from({ length: 24 }, (_, hour) => hour % 3);
  assert.equal(isShifted(quiet, quiet), false);
  assert.equal(
    isShifted(
      quiet.map((one) => one + 3),
      quiet,
    ),
    true,
  );
  assert.equal(isShifted([], quiet), false);
});

function judgeOf(name: string): (seen: StepSeen) => boolean {
  const rival = RIVALS.find((one) => one.name === name);
  assert.ok(rival);
  return rival.judge();
}

function seen(wave: Partial<StepSeen['waves'][number]>): StepSeen {
  const none = { canary: 0, baseline: 0 };
  const waves = [{ size: 1000, ended: 0, reverted: 0, failed: 0, ...wave }];
  return { step: 1, waves, failures: none, silent: none, crashes: none, sensors: none };
}
