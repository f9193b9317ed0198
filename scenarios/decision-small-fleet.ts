// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { runSmallFleet, type SmallFleetRun } from './decision/small-fleet.ts';

export const name = 'decision-small-fleet';

/** The rule on 2,003 devices, three of them a ring: a good release over many seeds, and one that fails on one segment. */
export async function run({ seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  const good: SmallFleetRun[] = [];
  const bad: SmallFleetRun[] = [];
  for (let index = 0; index < SEEDS; index++) {
    const world = { seed: `${seed}/${index}`, devices: 2003, ringDevices: 3, daysMax: 25 };
    good.push(runSmallFleet(world));
    bad.push(runSmallFleet({ ...world, defectiveSegment: 'rev-c' }));
    log(`seed ${index + 1} of ${SEEDS}`);
  }
  const stopped = good.filter((one) => one.verdict.kind === 'halt' || one.verdict.kind === 'pause').length;
  const released = good.filter((one) => one.verifiedPermille >= 990).length;
  const days = Math.max(...good.map((one) => one.days));
  const caught = bad.filter((one) => one.verdict.kind === 'halt').length;
  const harmed = Math.max(...bad.map((one) => one.harmed));
  const kept = [...good, ...bad].filter((one) => one.isCapKept).length;
  return [
    atMost('good rollouts halted or paused', { value: stopped, unit: 'rollouts', goal: 0 }),
    atLeast('good rollouts that reached 99 % of the fleet', { value: released, unit: 'rollouts', goal: SEEDS }),
    atMost('days to 99 % of the fleet, slowest', { value: days, unit: 'days', goal: 25 }),
    atLeast('rollouts halted that fail on a segment of 12 %', { value: caught, unit: 'rollouts', goal: SEEDS }),
    atMost('devices harmed by such a release, most', { value: harmed, unit: 'devices', goal: 15 }),
    atLeast('runs in which granted never passed the cap', { value: kept, unit: 'runs', goal: 2 * SEEDS }),
  ];
}

/** Each seed plays two rollouts in a third of a second. */
const SEEDS = 20;

interface Measured {
  readonly value: number;
  readonly unit: string;
  readonly goal: number;
}

function atMost(figure: string, { value, unit, goal }: Measured): Figure {
  return { figure, value, unit, goal: `<= ${goal} ${unit}`, holds: value <= goal };
}

function atLeast(figure: string, { value, unit, goal }: Measured): Figure {
  return { figure, value, unit, goal: `>= ${goal} ${unit}`, holds: value >= goal };
}
