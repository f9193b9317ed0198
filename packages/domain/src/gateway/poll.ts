// SPDX-License-Identifier: Apache-2.0
import { assert } from '../kernel/assert.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { hashUnit } from '../kernel/sha256.ts';
import { type DurationMs, durationMs, type FleetInstant, HOUR_MS, hours, minutes } from '../kernel/time.ts';
import type { LedgerRow } from './ledger.ts';
import type { NotYetCode } from './permit.ts';

/** Mean interval of a device that has nothing to do: twice a day keeps silence of 24 h meaningful. */
export const IDLE_POLL_MS = hours(12);

/** Mean interval of a device with an offer it was not enrolled for: the permit is checked anyway, so it may be slow. */
export const OPEN_OFFER_POLL_MS = hours(6);

/** Mean interval while a rollback waits to be fetched: the device runs a bad release. */
export const ROLLBACK_POLL_MS = hours(1);

/** Mean interval after a full cap: caps move every ten minutes, but by devices heard of, which takes hours. */
export const CAP_FULL_POLL_MS = hours(6);

/** Mean interval after a refusal that may pass at any moment: the store is back, the epoch was read anew. */
export const SOON_POLL_MS = minutes(10);

/**
 * When a device is asked to come back after its enrolment, in either arm alike (design/decision.md: silence is compared
 * by arm, so both arms must be asked the same). The second lies past the first hour, whose contacts do not count; the last
 * lies inside the first window of 24 h with room for a device that is late.
 */
export const RE_POLLS_MS: readonly DurationMs[] = [minutes(15), hours(1), hours(6), hours(23)];

/** Width of the spread after each re-poll; never before it. */
const RE_POLL_SPREAD_MS = minutes(10);

/** Contacts up to this long after the grant count for nothing; the second re-poll must lie later than it. */
const CONTACT_GRACE_MS = HOUR_MS;

assert(RE_POLLS_MS[1] !== undefined && RE_POLLS_MS[1] >= CONTACT_GRACE_MS, 'a re-poll after the first hour');

/** What the interval depends on. The same values give the same interval: the spread comes from a hash. */
export interface PollSituation {
  readonly deviceId: DeviceId;
  /** Of the message that is answered: each answer draws anew. */
  readonly sequence: number;
  readonly now: FleetInstant;
  /** Newest enrolment of the device in a live rollout. */
  readonly enrolment?: LedgerRow;
  /** Mean interval apart from re-polls; `IDLE_POLL_MS` when absent. */
  readonly meanMs?: DurationMs;
}

/**
 * How long the device shall wait: the next re-poll after its enrolment if that comes first, else the mean interval with
 * full jitter, half of it to one and a half, so that a fleet that started together spreads in one round.
 */
export function pollAfter(situation: PollSituation): DurationMs {
  const { deviceId, sequence, meanMs = IDLE_POLL_MS } = situation;
  const jitteredMs = Math.round(meanMs * (0.5 + hashUnit(deviceId, 'poll', String(sequence))));
  return durationMs(Math.min(jitteredMs, untilNextRePollMs(situation)));
}

/** How long the device shall wait before it asks for the permit again. */
export function askAfter(code: NotYetCode, situation: Omit<PollSituation, 'meanMs'>): DurationMs {
  return pollAfter({ ...situation, meanMs: MEAN_BY_NOT_YET[code] });
}

/** A control asks again when it would poll; it can only win once its windows have closed. */
const MEAN_BY_NOT_YET: Readonly<Record<NotYetCode, DurationMs>> = {
  'cap-full': CAP_FULL_POLL_MS,
  'segment-cap-full': CAP_FULL_POLL_MS,
  'control-arm': IDLE_POLL_MS,
  'no-offer': IDLE_POLL_MS,
  'wave-not-open': CAP_FULL_POLL_MS,
  'outside-charter': CAP_FULL_POLL_MS,
  'segment-halted': IDLE_POLL_MS,
  'rollout-not-running': CAP_FULL_POLL_MS,
  'scope-paused': CAP_FULL_POLL_MS,
  excluded: IDLE_POLL_MS,
  frozen: CAP_FULL_POLL_MS,
  'epoch-moved': SOON_POLL_MS,
  'already-enrolled': SOON_POLL_MS,
  'store-away': SOON_POLL_MS,
};

/** Infinite when none is left. Each re-poll has a spread of its own, fixed by the permit id. */
function untilNextRePollMs({ enrolment, now }: PollSituation): number {
  if (enrolment === undefined) return Number.POSITIVE_INFINITY;
  const sinceGrantMs = now - enrolment.grantedAt;
  for (const [index, rePollMs] of RE_POLLS_MS.entries()) {
    // Past with any spread: most enrolments are days old, and a hash costs more than all the rest.
    if (rePollMs + RE_POLL_SPREAD_MS <= sinceGrantMs) continue;
    const spreadMs = Math.ceil(RE_POLL_SPREAD_MS * hashUnit(enrolment.permitId, 're-poll', String(index)));
    const dueMs = rePollMs + spreadMs;
    if (dueMs > sinceGrantMs) return dueMs - sinceGrantMs;
  }
  return Number.POSITIVE_INFINITY;
}
