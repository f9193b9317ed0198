// SPDX-License-Identifier: Apache-2.0
import { after, type FleetInstant } from '../kernel/time.ts';
import type { InstallFailureCode } from './errors.ts';
import { move, withJournal } from './moves.ts';
import { RETRY_AFTER_FAILURE_MS } from './polling.ts';
import { queueReport } from './report-queue.ts';
import type { DeviceState } from './state.ts';

/** Gives an update up for now: tells it, and asks again after a while. What is staged and right stays staged. */
export function failInstall(
  state: DeviceState,
  failure: { readonly code: InstallFailureCode; readonly detail: string },
): DeviceState | undefined {
  const { update } = state.journal;
  const moved = move(state, 'fail', failure.code);
  if (moved === undefined || update === undefined) return undefined;
  const { rolloutId, releaseId, permit } = update;
  const retryAt = after(state.situation.now, RETRY_AFTER_FAILURE_MS);
  const nextPollAt = Math.max(moved.journal.nextPollAt, retryAt) as FleetInstant;
  const permitId = permit?.document.permitId;
  return queueReport(
    withJournal(moved, { update: undefined, nextPollAt }),
    { rolloutId, releaseId, ...(permitId && { permitId }) },
    { event: 'install-failed', detail: `${failure.code}: ${failure.detail}` },
  );
}
