// SPDX-License-Identifier: Apache-2.0
import { assert } from '../kernel/assert.ts';
import { type DurationMs, durationMs, type FleetInstant, hours } from '../kernel/time.ts';
import type { CheckInAnswer } from './check-in.ts';
import type { LedgerRow } from './ledger.ts';
import { IDLE_POLL_MS } from './poll.ts';

/** Up to this load intervals stay as they are: room for a peak, and for the loss of one gateway of three. */
export const STEER_FROM_PERMILLE = 700;

/** No interval is stretched beyond it: the silence of a day has to stay meaningful. */
export const STEERED_MAX_MS = hours(24);

/** A device is watched for so long after its enrolment, in either arm: its last re-poll is at 23 hours. */
const WATCHED_MS = hours(25);

/** How much closer to each other intervals may come by being stretched: the fullest hour of a fleet that was answered under load has twice its share. */
const CROWDING_MAX = 2;

assert(1.5 * IDLE_POLL_MS <= STEERED_MAX_MS, 'an idle interval with its jitter is not beyond what may be asked for');

/**
 * The answer with its interval stretched by the load: a fleet whose rate fills a gateway to `loadPermille` fills it to
 * `STEER_FROM_PERMILLE` once each device has been answered, as far as the longest interval lets it. Two kinds of device are
 * left alone: whose enrolment is still watched, since re-polls are evidence, and those a rollback waits for.
 */
export function steerPoll(
  answer: CheckInAnswer,
  {
    ledger,
    now,
    loadPermille,
  }: { readonly ledger: readonly LedgerRow[]; readonly now: FleetInstant; readonly loadPermille: number },
): CheckInAnswer {
  if (loadPermille <= STEER_FROM_PERMILLE) return answer;
  if (answer.kind === 'offer' && answer.isRollback) return answer;
  if (ledger.some((row) => now - row.grantedAt < WATCHED_MS)) return answer;
  return { ...answer, pollAfterMs: stretched(answer.pollAfterMs, loadPermille) };
}

/**
 * An interval times load over the load aimed at; near the longest interval by less, so that intervals that differ still do, by half of what they
 * did at least: a plain cap would send the whole fleet back at one moment, and a fleet that was answered at ten times the load within an hour.
 */
export function stretched(pollAfterMs: DurationMs, loadPermille: number): DurationMs {
  const factor = Math.max(1, loadPermille / STEER_FROM_PERMILLE);
  if (pollAfterMs >= STEERED_MAX_MS) return pollAfterMs;
  const bounded = pollAfterMs + (STEERED_MAX_MS - pollAfterMs) * (1 - 1 / Math.min(factor, CROWDING_MAX));
  return durationMs(Math.ceil(Math.min(pollAfterMs * factor, bounded)));
}
