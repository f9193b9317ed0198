// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../kernel/ids.ts';
import { hashUnit } from '../kernel/sha256.ts';
import {
  after,
  DAY_MS,
  type DurationMs,
  durationMs,
  type FleetInstant,
  fleetInstant,
  HOUR_MS,
  minutes,
} from '../kernel/time.ts';

/** No server, not even a stolen one, makes a device ask more often: a fleet is not to be turned into a flood. */
export const POLL_AFTER_MIN_MS = minutes(1);

/** No server, not even a stolen one, makes a device fall silent for longer. */
export const POLL_AFTER_MAX_MS = durationMs(7 * DAY_MS);

/** The first contact after a permit, in both arms: the server asks controls to come back after the same time. */
export const POLL_AFTER_PERMIT_MS = minutes(15);

/** How long an agent leaves an update alone that could not be downloaded or installed, or whose permit it refused. */
export const RETRY_AFTER_FAILURE_MS: DurationMs = HOUR_MS;

/** Back-off starts here and doubles with each fault. */
const BACK_OFF_FIRST_MS = minutes(2);
/** The longest back-off: a quarter of a day, so that an outage costs a device at most one poll of twelve hours. */
const BACK_OFF_MAX_MS = durationMs(6 * HOUR_MS);
/** The shortest, so that full jitter cannot mean "at once". */
const BACK_OFF_MIN_MS = durationMs(15_000);
/**
 * The most of Retry-After that is obeyed: servers here ask for ten minutes and two seconds at most, and whoever asks for more, be it
 * a stolen server, is not to silence a fleet. A longer outage is what the back-off is for.
 */
export const RETRY_AFTER_MAX_MS = durationMs(HOUR_MS);
/** 2 minutes times 2^8 is past six hours. */
const DOUBLINGS_MAX = 8;

/** `now` plus what the server asked for, within what a device allows. */
export function pollInstant(now: FleetInstant, afterMs: DurationMs): FleetInstant {
  return after(now, durationMs(Math.min(POLL_AFTER_MAX_MS, Math.max(POLL_AFTER_MIN_MS, Math.ceil(afterMs)))));
}

/** Later than any answer of now could have said: the clock was set back since, and nobody knows how long it has been. */
export function isBeyondReach(instant: FleetInstant, now: FleetInstant): boolean {
  return instant > after(now, POLL_AFTER_MAX_MS);
}

/**
 * When to try again after `faultCount` faults in a row: exponential with full jitter (Brooker, "Exponential Backoff and
 * Jitter", 2015). The jitter is a hash of the device and its count, so that a run can be repeated and a fleet that lost its
 * server at the same moment still spreads. What the server asked for comes before the whole jitter, not instead of it: so no answer
 * brings a device back sooner than silence would, and those who were all told the same moment spread too.
 */
export function backOffUntil(
  now: FleetInstant,
  deviceId: DeviceId,
  fault: { readonly faultCount: number; readonly sequence: number; readonly retryAfterMs?: DurationMs | undefined },
): FleetInstant {
  const doublings = Math.min(DOUBLINGS_MAX, Math.max(0, fault.faultCount - 1));
  const ceilingMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** doublings);
  const share = hashUnit(deviceId, 'back-off', `${fault.sequence}.${fault.faultCount}`);
  const askedMs = Math.min(RETRY_AFTER_MAX_MS, Math.ceil(fault.retryAfterMs ?? 0));
  return after(now, durationMs(Math.max(BACK_OFF_MIN_MS, askedMs + Math.floor(share * ceilingMs))));
}

/** Devices that were called at one moment come within this time, each at its own: with the pace of the calls it spreads a fleet. */
export const CALL_SPREAD_MS = durationMs(10_000);

/**
 * When a device that is called at `now` checks in: anywhere in the spread, by a hash as for the back-off; after a call less than a minute
 * ago a minute after that one. So no server, not even a stolen one, makes it ask more often than by its polls.
 */
export function callInstant(
  now: FleetInstant,
  deviceId: DeviceId,
  { sequence, calledAt }: { readonly sequence: number; readonly calledAt: FleetInstant | undefined },
): FleetInstant {
  const from = calledAt === undefined || calledAt > now ? now : Math.max(now, calledAt + POLL_AFTER_MIN_MS);
  const share = hashUnit(deviceId, 'called', String(sequence));
  return fleetInstant(Math.ceil(from + share * CALL_SPREAD_MS));
}
