// SPDX-License-Identifier: Apache-2.0
import type { SegmentId } from '../../kernel/ids.ts';
import { type Counts, type HistoryCell, poissonLower, poissonUpper, total, Z_95 } from './history.ts';

/** The hours of the day, and the segment, in which a metric was worst, as far as the counts can tell. */
export interface WorstCell extends Counts {
  /** Absent: all segments together. */
  readonly segment?: SegmentId;
  /** From this hour of the day, so many hours. */
  readonly fromHour: number;
  readonly hours: number;
  /** Upper 95 % bound of its rate. */
  readonly upper: number;
  /** Lower bound of its rate that holds for all cells looked at, with 95 %. */
  readonly lower: number;
}

/** What a history says of its worst hour: where the highest upper bound is, and where the highest lower one. */
export interface WorstCells {
  readonly byUpper: WorstCell;
  readonly byLower: WorstCell;
}

/**
 * The worst stretch of the day, over all segments and in each. A stretch is as many hours as hold 30 events, so that the worst
 * of many small numbers is not mistaken for a bad hour; a segment without that many counts only when it is clearly worse
 * than the fleet. Undefined without an installation.
 */
export function worstCells(cells: readonly HistoryCell[]): WorstCells | undefined {
  const all = total(cells);
  if (all.installs === 0) return undefined;
  const segments = [...new Set(cells.map((one) => one.segment))].sort();
  const stretches: readonly Stretch[] = [
    ...stretchesOf(cells),
    ...segments.flatMap((segment) =>
      stretchesOf(cells.filter((one) => one.segment === segment)).map((one) => ({ ...one, segment })),
    ),
  ];
  const mean = all.events / all.installs;
  const z = zOfCells(stretches.length);
  const judged = stretches.map((one) => ({ ...one, upper: poissonUpper(one, Z_95), lower: poissonLower(one, z) }));
  // A stretch that is not thin speaks for itself; one of few events only if it is clearly worse than the fleet.
  const heard = judged.filter((one) => one.segment === undefined || one.events >= EVENTS_MIN || one.lower > mean);
  return { byUpper: largest(heard, (one) => one.upper), byLower: largest(heard, (one) => one.lower) };
}

/** With 30 events a rate is known to within about a third, both ways. */
const EVENTS_MIN = 30;
const HOURS_OF_DAY = 24;

interface Stretch extends Counts {
  readonly segment?: SegmentId;
  readonly fromHour: number;
  readonly hours: number;
}

/** From each hour on, across midnight, the shortest stretch with 30 events; the whole day where there are fewer. */
function stretchesOf(cells: readonly HistoryCell[]): readonly Stretch[] {
  const byHour = Array.from({ length: HOURS_OF_DAY }, (_, hour) =>
    total(cells.filter((one) => one.hourOfDay === hour)),
  );
  if (total(byHour).events < EVENTS_MIN) return [{ fromHour: 0, hours: HOURS_OF_DAY, ...total(byHour) }];
  return byHour.map((_, fromHour) => {
    let stretch: Stretch = { fromHour, hours: 0, installs: 0, events: 0 };
    while (stretch.events < EVENTS_MIN) {
      const next = byHour[(fromHour + stretch.hours) % HOURS_OF_DAY] ?? { installs: 0, events: 0 };
      stretch = { fromHour, hours: stretch.hours + 1, ...total([stretch, next]) };
    }
    return stretch;
  });
}

/** One-sided 95 % over so many cells at once (Bonferroni), as normal deviations. Source: the bound z < sqrt(2 ln(1 / p)). */
function zOfCells(count: number): number {
  return Math.sqrt(2 * Math.log(count / 0.05));
}

function largest<T>(items: readonly [T, ...T[]] | readonly T[], of: (item: T) => number): T {
  return items.reduce((best, one) => (of(one) > of(best) ? one : best));
}
