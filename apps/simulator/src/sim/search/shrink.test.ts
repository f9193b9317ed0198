// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../faults/fault.ts';
import type { SimCase } from '../sim-case.ts';
import { shrink } from './shrink.ts';

function slowStore(id: number): Fault {
  return { kind: 'slow-store', id, fromStep: id, steps: 1 };
}

const simCase: SimCase = {
  seed: 's',
  deviceCount: 64,
  daysMax: 8,
  gatewayCount: 3,
  faults: Array.from({ length: 40 }, (_, id) => slowStore(id)),
};
const violation = { oracle: 'cap', step: 200, facts: 'one too many' };

/** Breaks when both faults are there, with at least nine devices. */
async function play({ faults, deviceCount }: SimCase) {
  const has = (id: number) => faults.some((fault) => fault.id === id);
  return has(7) && has(31) && deviceCount >= 9 ? violation : undefined;
}

test('a case is shrunk to the faults that it takes, and to few devices, days and servers', async () => {
  const smallest = await shrink({ simCase, violation }, { play, runsMax: 400 });
  assert.deepEqual(
    smallest.simCase.faults.map(({ id }) => id),
    [7, 31],
  );
  assert.ok(smallest.simCase.deviceCount >= 9 && smallest.simCase.deviceCount <= 12);
  assert.equal(smallest.simCase.daysMax, 1);
  assert.equal(smallest.simCase.gatewayCount, 1);
});

test('another broken promise is another bug: it is not taken for the one that is shrunk', async () => {
  const other = { ...violation, oracle: 'halt' };
  const smallest = await shrink({ simCase, violation }, { play: async () => other, runsMax: 100 });
  assert.deepEqual(smallest.simCase, simCase);
});

test('shrinking ends when its runs are spent', async () => {
  const { runs } = await shrink({ simCase, violation }, { play, runsMax: 5 });
  assert.equal(runs, 5);
});
