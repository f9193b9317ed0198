// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { aaCrossingRate, baseCrossingRate, coinCrossingRate } from './decision/null-streams.ts';

export const name = 'decision-null';

/**
 * The promise behind every halt, on 20,000 streams a test: exactly at the edge of what is tolerated, looked at after every
 * event, the evidence crosses 1 / alpha in fewer than alpha of the streams. And a coin that is not one must be found out.
 */
export async function run({ seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const alpha of [0.05, 0.01]) {
    const given = { seed, streams: STREAMS, alpha };
    const base = { ...given, steps: BASE_STEPS, baseRate: BASE_RATE };
    figures.push(crossing('permits at the base rate', alpha, baseCrossingRate({ ...base, delaySteps: 0 })));
    figures.push(crossing('the same, reports delayed', alpha, baseCrossingRate({ ...base, delaySteps: 2000 })));
    for (const tolerance of [1.03, 1.1]) {
      const rate = coinCrossingRate({ ...given, steps: COIN_STEPS, tolerance });
      figures.push(crossing(`events of two arms at odds ${tolerance}`, alpha, rate));
    }
    figures.push(crossing('A/A, arms as drawn', alpha, aaCrossingRate({ ...given, steps: COIN_STEPS, odds: 1 })));
    log(`alpha ${alpha} done`);
  }
  const found = aaCrossingRate({ seed, streams: BROKEN_STREAMS, alpha: 0.01 / 7, steps: BROKEN_STEPS, odds: 1.5 });
  const goal = '>= 0.99 of streams';
  figures.push({
    figure: 'A/A, control not drawn by the coin',
    value: found,
    unit: 'share',
    goal,
    holds: found >= 0.99,
  });
  return figures;
}

const STREAMS = 20_000;
/** Permits of a stream, and p0: ten events are expected. */
const BASE_STEPS = 10_000;
const BASE_RATE = 0.001;
/** Events of a stream. */
const COIN_STEPS = 300;
/** A skew of 50 % in the odds is found after a few hundred enrolments. */
const BROKEN_STREAMS = 1000;
const BROKEN_STEPS = 2000;

function crossing(figure: string, alpha: number, value: number): Figure {
  return { figure: `${figure}, alpha ${alpha}`, value, unit: 'share', goal: `< ${alpha}`, holds: value < alpha };
}
