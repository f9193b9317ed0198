// SPDX-License-Identifier: Apache-2.0

import { prng } from '@outrider/domain/kernel/prng';
import { defaultGates } from '@outrider/domain/policy/default-plan';
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import {
  type BaseRateWorld,
  type Crossings,
  playHistory,
  proposedGates,
  type RatesOf,
} from './base-rates/play-history.ts';
import { play } from './decision/play.ts';
import { worldNamed } from './decision/worlds.ts';

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
    const first = (100 * count(world, seed, 'stated').crossed) / HISTORIES;
    figures.push({
      figure: `${world.name}: first releases that cross at the stated values, of ${HISTORIES}`,
      ...{ value: first, unit: '%', goal: '<= 1 %', holds: first <= 1 },
    });
    figures.push({
      figure: `${world.name}: reverts that halt 10,000 permits, at the median proposal`,
      ...{ value: ours.revertsToHalt, unit: 'reverts', peer: `default plan ${peer.revertsToHalt}` },
      goal: '<= 60 reverts',
      holds: ours.revertsToHalt <= 60,
    });
  }
  return [...figures, wholeRule(seed, log)];
}

/**
 * The whole rule on good releases under proposals that their own histories made; every metric swings by half over the day: what
 * an installing device does, and silence, crashes and sensor faults of both arms.
 */
function wholeRule(seed: string, log: MeasureOptions['log']): Figure {
  const swing = worldNamed('swing');
  const world = { ...swing, rates: { ...swing.rates, faultSwing: 0.5 } };
  const { revert, install } = world.rates;
  const fleet = { name: 'whole rule', devices: WHOLE_RULE_DEVICES, revert, install };
  let halted = 0;
  for (let index = 0; index < WHOLE_RULE_RUNS; index++) {
    const source = prng(`base-rates/${seed}/whole/${index}`);
    const planChange = { ...world.planChange, gates: proposedGates(fleet, { source, gates: defaultGates() }) };
    const { stop } = play({
      world: { ...world, planChange },
      devices: fleet.devices,
      seed: `${seed}/${index}`,
      daysMax: 40,
    });
    if (stop !== undefined) halted += 1;
    log(`whole rule, rollout ${index + 1} of ${WHOLE_RULE_RUNS}: ${stop?.reason ?? 'not halted'}`);
  }
  return {
    figure: `1 million, reverts 0.04 %, all seven metrics swing: good rollouts halted, of ${WHOLE_RULE_RUNS}`,
    ...{ value: halted, unit: 'halts', peer: 'default plan 5 of 150', goal: '<= 1 halt', holds: halted <= 1 },
  };
}

const WHOLE_RULE_DEVICES = 1_000_000;
/** A rollout takes seconds; with a rate of 1 % two or more of 40 are halted in one measurement of sixteen. */
const WHOLE_RULE_RUNS = 40;

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
