// SPDX-License-Identifier: Apache-2.0
import { type Comparison, compare } from './compare.ts';
import { ORDERS } from './orders.ts';

/** One forecast to make and to compare with the run that follows it. */
export interface ComparedJob {
  readonly seed: string;
  readonly devices: number;
  /** Name of the order that people gave before. Absent: none. */
  readonly order?: string;
}

/** What came of it, in numbers. */
export interface Compared
  extends Pick<Comparison, 'outsideSet' | 'missedDates' | 'missedCounts' | 'missedBytes' | 'figures'> {
  readonly order?: string;
  readonly granted: number;
}

/** Makes the forecast, plays the run and compares them. */
export function comparedIn({ seed, devices, order }: ComparedJob): Compared {
  const given = order === undefined ? undefined : ORDERS[order];
  if (order !== undefined && given === undefined) throw new RangeError(`There is no order called ${order}`);
  const {
    run,
    forecast: _,
    ...compared
  } = compare({ seed, devices, ...(given === undefined ? {} : { order: given }) });
  return { ...compared, granted: run.grants.length, ...(order === undefined ? {} : { order }) };
}

/** Everything of a run that lay outside of what was said. */
export function missesOf(one: Compared): readonly string[] {
  return [...one.missedDates, ...one.missedCounts, ...one.missedBytes];
}
