// SPDX-License-Identifier: Apache-2.0

import { prng } from '@outrider/domain/kernel/prng';
import { defaultGates } from '@outrider/domain/policy/default-plan';
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { type BaseRateWorld, type Crossings, playHistory, type RatesOf } from './base-rates/play-history.ts';

export const name = 'base-rates';

/**
 * Base rates proposed from simulated histories, in worlds whose failures swing by half over the day: how often a good release
 * then crosses a threshold of `revert` or `install`, beside the default plan that knows nothing of the fleet.
 */
export async function run({ seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const world of WORLDS) {
    const ours = count(world, seed, 'proposed');
    const peer = count(world, seed, 'default');
    log(`${world.name}: ${JSON.stringify({ ours, peer })}`);
    const value = (100 * ours.crossed) / HISTORIES;
    figures.push({
      figure: `${world.name}: good releases that cross, of ${HISTORIES} histories`,
      ...{ value, unit: '%', peer: `default plan ${((100 * peer.crossed) / HISTORIES).toFixed(1)} %` },
      goal: '<= 1 %',
      holds: value <= 1,
    });
    figures.push({
      figure: `${world.name}: reverts that halt 10,000 permits, at the median proposal`,
      ...{ value: ours.revertsToHalt, unit: 'reverts', peer: `default plan ${peer.revertsToHalt}` },
      goal: '<= 60 reverts',
      holds: ours.revertsToHalt <= 60,
    });
  }
  return figures;
}

const HISTORIES = 400;

/** Rates per device on average; all swing by half over the day, and one segment of a tenth is half as bad again. */
const WORLDS: readonly BaseRateWorld[] = [
  { name: '20,000 devices', devices: 20_000, revert: 0.00015, install: 0.003 },
  { name: '1 million', devices: 1_000_000, revert: 0.00015, install: 0.003 },
  { name: '1 million, reverts 0.04 %', devices: 1_000_000, revert: 0.0004, install: 0.005 },
  { name: '50 million, reverts 0.04 %', devices: 50_000_000, revert: 0.0004, install: 0.005 },
];

function count(world: BaseRateWorld, seed: string, rates: RatesOf): { crossed: number; revertsToHalt: number } {
  const played = Array.from({ length: HISTORIES }, (_, index): Crossings => {
    const source = prng(`base-rates/${seed}/${world.name}/${index}`);
    return playHistory(world, { rates, source, gates: defaultGates() });
  });
  const reverts = played.map((one) => one.revertsToHalt).sort((a, b) => a - b);
  return {
    crossed: played.filter((one) => one.hasCrossed).length,
    revertsToHalt: reverts[Math.floor(reverts.length / 2)] ?? 0,
  };
}
