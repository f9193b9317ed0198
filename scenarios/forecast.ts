// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions, WholeFlag } from '../bench/figures.ts';
import { type Compared, type ComparedJob, missesOf } from './forecast/compared.ts';
import { ORDERS } from './forecast/orders.ts';
import { onThreads } from './threads.ts';

export const name = 'forecast';

export const flags: Readonly<Record<'seeds', WholeFlag>> = {
  seeds: {
    sentence: 'rollouts that are forecast and played, and a tenth as many under each order of people',
    ...{ default: 100, min: 1, max: 10_000 },
  },
};

/** As many as the claim asks for; with fewer the figures are marked as reduced. */
const SEEDS_FULL = 100;
/** Large enough for five waves that differ, small enough to follow each device. */
const DEVICES = 600;

/**
 * Forecasts rollouts and then plays them device by device with what is shipped, over a hundred seeds; and ten more under each
 * kind of order that people give: freezes, exclusions, halted regions, ceilings, charters.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const { seeds = SEEDS_FULL } = given;
  const free = jobsOf(seed, seeds);
  const ordered = Object.keys(ORDERS).flatMap((order) =>
    jobsOf(seed, Math.ceil(seeds / 10)).map((job) => ({ ...job, order })),
  );
  const jobs: readonly ComparedJob[] = [...free, ...ordered];
  const all = await onThreads<ComparedJob, Compared>(new URL('./forecast/worker.ts', import.meta.url), jobs, (done) =>
    log(`${done} of ${jobs.length} rollouts forecast and played`),
  );
  for (const [index, one] of all.entries()) {
    const missed = missesOf(one);
    if (missed.length > 0) log(`${jobs[index]?.seed} ${one.order ?? ''}: ${missed.join('; ')}`);
  }
  const found = [
    ...figuresOf(all.slice(0, free.length), ''),
    ...figuresOf(all.slice(free.length), 'under an order of people: '),
  ];
  return seeds >= SEEDS_FULL ? found : found.map((one) => ({ ...one, isReduced: true }));
}

function jobsOf(seed: string, count: number): readonly ComparedJob[] {
  return Array.from({ length: count }, (_, index) => ({ seed: `${seed}/${index}`, devices: DEVICES }));
}

function figuresOf(compared: readonly Compared[], prefix: string): readonly Figure[] {
  const granted = compared.reduce((sum, one) => sum + one.granted, 0);
  const outside = compared.reduce((sum, one) => sum + one.outsideSet, 0);
  const figures = compared.reduce((sum, one) => sum + one.figures, 0);
  const inside = figures - compared.reduce((sum, one) => sum + missesOf(one).length, 0);
  const rollouts = (what: string, missed: (one: Compared) => readonly string[]): Figure => {
    const value = compared.filter((one) => missed(one).length === 0).length;
    const least = Math.ceil(0.85 * compared.length);
    return {
      figure: `${prefix}rollouts with ${what} inside`,
      ...{ value, unit: `of ${compared.length}`, goal: `>= ${least} of ${compared.length}`, holds: value >= least },
    };
  };
  return [
    {
      figure: `${prefix}granted devices outside the set of the forecast, of ${granted}`,
      ...{ value: outside, unit: 'devices', goal: '<= 0 devices', holds: outside === 0 && granted > 0 },
    },
    rollouts('all dates', (one) => one.missedDates),
    rollouts('all counts', (one) => one.missedCounts),
    rollouts('all bytes', (one) => one.missedBytes),
    rollouts('dates, counts and bytes', missesOf),
    {
      figure: `${prefix}figures inside their interval, of ${figures}`,
      ...{ value: (100 * inside) / figures, unit: '%', goal: '>= 90 %', holds: inside >= 0.9 * figures },
    },
  ];
}
