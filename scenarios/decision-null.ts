// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { aaCrossingRate, aaEventsToAlarm, baseCrossingRate, coinCrossingRate } from './decision/null-streams.ts';
import { type PlayOptions, play } from './decision/play.ts';
import { worldNamed } from './decision/worlds.ts';

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
      const coin = { ...given, steps: COIN_STEPS, tolerance };
      const figure = `events of two arms at odds ${tolerance}`;
      figures.push(crossing(figure, alpha, coinCrossingRate({ ...coin, delaySteps: 0 })));
      figures.push(
        crossing(`${figure}, reports delayed`, alpha, coinCrossingRate({ ...coin, delaySteps: COIN_DELAY_STEPS })),
      );
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
  figures.push(undrawnControl(seed));
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

/** Whole rollouts of a good release on a million devices, in which who calls rarely is in the control arm. */
function undrawnControl(seed: string): Figure {
  let [held, stopped] = [0, 0];
  for (let index = 0; index < UNDRAWN_ROLLOUTS; index++) {
    let isHeld = false;
    const watch: PlayOptions['watch'] = ({ decision: { overall } }) => {
      isHeld ||= overall.kind === 'hold' && overall.reason.includes('not as the coin drew them');
    };
    const world = { world: worldNamed('G'), devices: 1_000_000, seed: `${seed}-${index}`, daysMax: 10 };
    const { stop } = play({ ...world, control: 'slow-callers', watch });
    held += isHeld ? 1 : 0;
    stopped += stop === undefined ? 0 : 1;
  }
  return {
    figure: `rollouts of ${UNDRAWN_ROLLOUTS}, control not drawn, that the A/A monitor holds (${stopped} halted as bad)`,
    ...{ value: held, unit: 'rollouts', goal: 'all', holds: held === UNDRAWN_ROLLOUTS },
  };
}

const UNDRAWN_ROLLOUTS = 20;

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
/** A report may come after a third of all other events. */
const COIN_DELAY_STEPS = 100;
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
