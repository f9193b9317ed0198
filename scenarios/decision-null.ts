// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { aaCrossingRate, aaEventsToAlarm, baseCrossingRate, coinCrossingRate } from './decision/null-streams.ts';

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
  for (const { skewPercent, steps, lowest, highest } of POWERS) {
    const asked = { seed, streams: POWER_STREAMS, alpha: 0.01 / 7, steps, odds: 1 + skewPercent / 100, pi: 0.2 };
    const median = medianOf(aaEventsToAlarm(asked), POWER_STREAMS);
    const figure = `A/A, events at pi 0.2 until a skew of ${skewPercent} % alarms, median`;
    const isNear = median >= lowest && median <= highest;
    figures.push({ figure, value: median, unit: 'events', goal: `${lowest} to ${highest}`, holds: isNear });
    log(`skew ${skewPercent} % done`);
  }
  return figures;
}

/** The middle of all streams; those without an alarm come last. */
function medianOf(alarms: readonly number[], streams: number): number {
  return [...alarms].sort((a, b) => a - b)[Math.ceil(streams / 2) - 1] ?? Number.POSITIVE_INFINITY;
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

/** The design's power of the monitor: 9,800 events at a skew of 10 %, 42,000 at 5 %; medians of so many streams lie this near. */
const POWER_STREAMS = 200;
const POWERS = [
  { skewPercent: 10, steps: 60_000, lowest: 8_500, highest: 11_500 },
  { skewPercent: 5, steps: 240_000, lowest: 36_000, highest: 48_000 },
] as const;

function crossing(figure: string, alpha: number, value: number): Figure {
  return { figure: `${figure}, alpha ${alpha}`, value, unit: 'share', goal: `< ${alpha}`, holds: value < alpha };
}
