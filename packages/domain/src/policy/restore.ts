// SPDX-License-Identifier: Apache-2.0
import type { Epoch, Revision } from '../kernel/ids.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { PolicyChange, PolicyEntry } from './log.ts';
import type { Rollout } from './rollout.ts';

/**
 * How many revisions a restore leaves out at least; one more for each millisecond since the backup. The log of a backup
 * ends before entries that were made since, and devices and people may have seen their revisions and epochs; none of them
 * may come again with another meaning. A million is for clocks that differ, the time for a backup that is restored twice.
 */
export const RESTORE_REVISIONS = 1_000_000;

/** What the log says about a restore: the first entry after the gap, and why. */
export interface RestoredPolicy {
  readonly revision: Revision;
  readonly at: FleetInstant;
  readonly reason: string;
}

/**
 * The entry with which a restore ends: everything is paused, rollbacks too, under a revision that leaves a gap, by which
 * `foldEntries` raises the epoch of every rollout.
 */
export function restoreEntry(restore: {
  readonly newest: Revision;
  /** Whole milliseconds since the backup was made, by the clocks of the machines. */
  readonly sinceMs: DurationMs;
  readonly at: FleetInstant;
  readonly reason: string;
}): PolicyEntry {
  const { newest, sinceMs, at, reason } = restore;
  return {
    // The constructor of the revision after the gap.
    revision: (newest + RESTORE_REVISIONS + sinceMs + 1) as Revision,
    at,
    author: 'restore',
    change: { kind: 'scope-paused', scope: 'global', reason, isIncludingRollback: true },
  };
}

/** How many revisions lie between the newest one and this entry: none, but for a restore. */
export function revisionsSkipped(newest: Revision, entry: PolicyEntry): number {
  return entry.revision - newest - 1;
}

/** The rollout under an epoch that is higher by so many. */
export function withEpochRaised(rollout: Rollout, count: number): Rollout {
  // An epoch only ever grows: by one in the fold, by a gap of the log here.
  return { ...rollout, epoch: (rollout.epoch + count) as Epoch };
}

/** What is told about the restore that left the gap before this entry. */
export function restoredBy({ revision, at, change }: PolicyEntry): RestoredPolicy {
  return { revision, at, reason: 'reason' in change ? change.reason : change.kind };
}

/** A person who resumes everything has taken note of the restore. */
export function endsRestore(change: PolicyChange): boolean {
  return change.kind === 'scope-resumed' && change.scope === 'global';
}
