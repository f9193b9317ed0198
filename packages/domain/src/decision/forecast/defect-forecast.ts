// SPDX-License-Identifier: Apache-2.0
import { prng } from '../../kernel/prng.ts';
import type { Gates } from '../../policy/rollout.ts';
import { lnEBase } from '../e-process.ts';
import { thresholdOverall } from '../thresholds.ts';
import { type CourseOptions, runCourse } from './course.ts';
import { DEFECTS } from './defect.ts';
import { quantile } from './interval.ts';

/** What a bad release would cost under this plan, before the rule stops it or all devices have it. */
export interface DefectForecast {
  readonly name: string;
  readonly text: string;
  /** Devices harmed: on average, at the median, and in one rollout of twenty at least. */
  readonly harmedMean: number;
  readonly harmedMedian: number;
  readonly harmedP95: number;
  /** Share of the courses in which the rule halted it. */
  readonly caughtShare: number;
  /** Hours from the start to the halt, at the median of those that were halted. */
  readonly hoursToHalt?: number;
}

/** Plays each defect under the rule itself. */
export function forecastDefects(
  options: Omit<CourseOptions, 'source' | 'defect'> & { readonly seed: string; readonly courses: number },
): readonly DefectForecast[] {
  return DEFECTS.map((defect) => {
    const runs = Array.from({ length: options.courses }, (_, index) =>
      runCourse({ ...options, defect, source: prng(`${options.seed}/${defect.name}/${index}`) }),
    );
    const harmed = runs.map((one) => one.harmed);
    const halts = runs.flatMap((one) => (one.stop === undefined ? [] : [one.stop.atHours]));
    const hoursToHalt = quantile(halts, 0.5);
    return {
      name: defect.name,
      text: defect.text,
      harmedMean: harmed.reduce((sum, one) => sum + one, 0) / Math.max(1, harmed.length),
      harmedMedian: quantile(harmed, 0.5) ?? 0,
      harmedP95: quantile(harmed, 0.95) ?? 0,
      caughtShare: halts.length / Math.max(1, runs.length),
      ...(hoursToHalt === undefined ? {} : { hoursToHalt }),
    };
  });
}

/**
 * How many reverts among this many permits halt a rollout: the fewest whose evidence reaches the threshold of the plan. The
 * answer to "two of ten are enough?". Undefined when not even all of them are, or the plan does not watch reverts.
 */
export function revertsToHalt(gates: Gates, permits: number): number | undefined {
  const gate = gates.metrics.find((one) => one.metric === 'revert');
  if (gate?.kind !== 'base' || gate.onCross !== 'halt') return undefined;
  const { baseRate } = gate;
  const threshold = thresholdOverall(gates.alpha, gate.weight);
  const isHalt = (events: number): boolean => lnEBase({ baseRate, open: permits, events }) >= threshold;
  if (!isHalt(permits)) return undefined;
  let tooFew = -1;
  let enough = permits;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (isHalt(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}
