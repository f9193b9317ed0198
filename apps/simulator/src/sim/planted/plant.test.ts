// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCase } from '../run-case.ts';
import { drawCase } from '../search/draw-case.ts';
import type { Broken } from '../search/shrink.ts';
import { encodeCase, parseCase } from '../sim-case.ts';
import type { Plant } from './plant.ts';

/** Of the runs of a swarm; `npm run prove -- simulator` shrinks what it finds as well. */
const RUNS_MAX = 24;

/** Runs that are known to find it come first: a search from the beginning took a hundred times as long. */
const KNOWN: Readonly<Record<Plant, number>> = { 'cap-outside': 12, 'count-twice': 1, 'pause-notify': 3 };

async function findWith(plant: Plant): Promise<Broken> {
  const others = Array.from({ length: RUNS_MAX }, (_, index) => index + 1);
  for (const run of [KNOWN[plant], ...others]) {
    const simCase = drawCase(`plant-${run}`, plant);
    const outcome = await runCase(simCase);
    if (outcome.kind === 'broken') return { simCase, violation: outcome.violation };
  }
  throw new assert.AssertionError({ message: `The planted ${plant} was not found in ${RUNS_MAX} runs` });
}

for (const [plant, oracle] of [
  ['cap-outside', 'cap'],
  ['count-twice', 'evidence'],
  ['pause-notify', 'pause'],
] as const) {
  test(`the planted bug ${plant} is found by the oracle ${oracle}, and played again from its file`, async () => {
    const found = await findWith(plant);
    assert.equal(found.violation.oracle, oracle, found.violation.facts);
    const file = parseCase(encodeCase(found.simCase, found.violation));
    assert.ok(file.ok);
    const again = await runCase(file.value);
    assert.deepEqual(again.kind === 'broken' ? again.violation : undefined, found.violation);
  });
}
