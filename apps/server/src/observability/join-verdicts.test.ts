// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerdictNote } from '@outrider/domain/decision/overview';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { id } from '@outrider/testkit/small-fleet';
import { joinVerdicts } from './join-verdicts.ts';

test('a hold of a whole night is one line, and a halt in between stands alone', () => {
  const notes = [note(5, 'hold'), note(4, 'hold'), note(3, 'halt'), note(2, 'hold'), note(1, 'hold')];
  const joined = joinVerdicts([...notes, note(0, 'admit', 'r2')]);
  assert.deepEqual(
    joined.map(({ rolloutId, kind, count, since, at }) => [rolloutId, kind, count, since, at]),
    [
      ['r1', 'hold', 2, 4, 5],
      ['r1', 'halt', 1, 3, 3],
      ['r1', 'hold', 2, 1, 2],
      ['r2', 'admit', 1, 0, 0],
    ],
  );
});

test('decisions about two rollouts that take turns are still joined by rollout', () => {
  const joined = joinVerdicts([note(3, 'hold'), note(3, 'hold', 'r2'), note(2, 'hold'), note(2, 'hold', 'r2')]);
  assert.deepEqual(
    joined.map((one) => one.count),
    [2, 2],
  );
});

function note(at: number, kind: VerdictNote['kind'], rollout = 'r1'): VerdictNote {
  return { rolloutId: id<RolloutId>(rollout), at: fleetInstant(at), kind, reason: 'because' };
}
