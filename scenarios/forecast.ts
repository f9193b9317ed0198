// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { type Comparison, compare } from './forecast/compare.ts';

export const name = 'forecast';

/** Forecasts a rollout and then plays it device by device with what is shipped, over a hundred seeds. */
export async function run({ seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  const compared: Comparison[] = [];
  for (let index = 0; index < SEEDS; index++) {
    const one = compare({ seed: `${seed}/${index}`, devices: DEVICES });
    const missed = missesOf(one);
    log(`seed ${index + 1} of ${SEEDS}: ${missed.length === 0 ? 'all inside' : missed.join('; ')}`);
    compared.push(one);
  }
  const count = (holds: (one: Comparison) => boolean): number => compared.filter(holds).length;
  const granted = compared.reduce((sum, one) => sum + one.run.grants.length, 0);
  const outside = compared.reduce((sum, one) => sum + one.outsideSet, 0);
  const figures = compared.reduce((sum, one) => sum + one.figures, 0);
  const inside = figures - compared.reduce((sum, one) => sum + missesOf(one).length, 0);
  return [
    {
      figure: `granted devices outside the set of the forecast, of ${granted}`,
      value: outside,
      unit: 'devices',
      goal: '<= 0 devices',
      holds: outside === 0 && granted > 0,
    },
    rollouts(
      'rollouts with all dates inside',
      count((one) => one.missedDates.length === 0),
    ),
    rollouts(
      'rollouts with all counts inside',
      count((one) => one.missedCounts.length === 0),
    ),
    rollouts(
      'rollouts with all bytes inside',
      count((one) => one.missedBytes.length === 0),
    ),
    rollouts(
      'rollouts with dates, counts and bytes inside',
      count((one) => missesOf(one).length === 0),
    ),
    {
      figure: `figures inside their interval, of ${figures}`,
      value: (100 * inside) / figures,
      unit: '%',
      goal: '>= 90 %',
      holds: inside >= 0.9 * figures,
    },
  ];
}

const SEEDS = 100;
/** Large enough for five waves that differ, small enough to follow each device. */
const DEVICES = 600;

function missesOf(one: Comparison): readonly string[] {
  return [...one.missedDates, ...one.missedCounts, ...one.missedBytes];
}

function rollouts(figure: string, value: number): Figure {
  return { figure, value, unit: `of ${SEEDS}`, goal: `>= 85 of ${SEEDS}`, holds: value >= 85 };
}
