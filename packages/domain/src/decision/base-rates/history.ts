// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId, SegmentId } from '../../kernel/ids.ts';

/** The metrics that are tested against a rate, not against a control arm. */
export type BaseMetric = 'revert' | 'install';

/** What the last good releases of a device type did, oldest first. */
export type FleetHistory = readonly ReleaseHistory[];

/** One release that completed without a halt, counted by segment and hour of the day. */
export interface ReleaseHistory {
  readonly releaseId: ReleaseId;
  readonly cells: readonly HistoryCell[];
}

/** Installations permitted in one segment and hour of the day, and how many of them had the event. */
export interface HistoryCell {
  readonly metric: BaseMetric;
  readonly segment: SegmentId;
  /** 0 to 23, of fleet time (UTC). */
  readonly hourOfDay: number;
  readonly installs: number;
  readonly events: number;
}

/** Counts of several cells together. */
export interface Counts {
  readonly installs: number;
  readonly events: number;
}

/** The cells of one metric over these releases. */
export function cellsOf(history: FleetHistory, metric: BaseMetric): readonly HistoryCell[] {
  return history.flatMap((release) => release.cells.filter((one) => one.metric === metric && one.installs > 0));
}

/** All cells together. */
export function total(cells: readonly Counts[]): Counts {
  return cells.reduce<Counts>(
    (sum, one) => ({ installs: sum.installs + one.installs, events: sum.events + one.events }),
    { installs: 0, events: 0 },
  );
}

/**
 * The bound above a rate of rare events, or below it, that holds with the one-sided confidence of `z` normal deviations. To
 * within one part in a hundred of the exact Poisson bound from one event on. Source: Wilson and Hilferty 1931.
 */
export function poissonUpper({ installs, events }: Counts, z: number): number {
  if (installs === 0) return 1;
  const k = events + 1;
  return Math.min(1, (k * (1 - 1 / (9 * k) + z / (3 * Math.sqrt(k))) ** 3) / installs);
}

/** See `poissonUpper`; zero without an event. */
export function poissonLower({ installs, events }: Counts, z: number): number {
  if (installs === 0 || events === 0) return 0;
  return Math.max(0, (events * (1 - 1 / (9 * events) - z / (3 * Math.sqrt(events))) ** 3) / installs);
}

/** One-sided 95 %. */
export const Z_95 = 1.645;
