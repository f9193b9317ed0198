// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import { type FleetInstant, fleetInstant, MINUTE_MS } from '../kernel/time.ts';
import type { Audience } from './audience.ts';

/** A time in which devices of an audience get no new permits: a season, a weekend, a code freeze. Downloads go on. */
export interface Freeze {
  readonly freezeId: string;
  readonly audience: Audience;
  readonly times: FreezeTimes;
  readonly reason: string;
  /** True: the way back waits too. A freeze never holds it up unless somebody said so. */
  readonly isIncludingRollback: boolean;
}

/** When a freeze holds. */
export type FreezeTimes =
  /** From an instant up to another, which is not part of it. */
  | { readonly kind: 'once'; readonly from: FleetInstant; readonly until: FleetInstant }
  /** Each week by the clock on the wall of a time zone; over the end of the week where `until` comes first. */
  | { readonly kind: 'weekly'; readonly timeZone: string; readonly from: WeekTime; readonly until: WeekTime };

/** A minute of the week: days from 1, Monday, to 7; minutes of the day from 0 to 1439. */
export interface WeekTime {
  readonly day: number;
  readonly minute: number;
}

/** Devices that get nothing, whatever rollout: by their ids, all with a tag, any audience. Never holds up the way back. */
export interface Exclusion {
  readonly exclusionId: string;
  readonly of: Audience;
  readonly reason: string;
  /** Absent: until it is lifted. */
  readonly expiresAt?: FleetInstant;
}

/** What holds over all rollouts, by the order of people. */
export interface StandingOrders {
  readonly freezes: readonly Freeze[];
  readonly exclusions: readonly Exclusion[];
}

/** Before the first order. */
export const NO_ORDERS: StandingOrders = { freezes: [], exclusions: [] };

/** Orders of one kind: each is looked at for each permit, and people keep a dozen. */
export const ORDERS_MAX = 200;

/** Whether the time of a freeze is now. Of an hour that a clock change repeats both count; of one it skips none is there. */
export function isFreezeTime(times: FreezeTimes, now: FleetInstant): boolean {
  switch (times.kind) {
    case 'once':
      return times.from <= now && now < times.until;
    case 'weekly': {
      const [from, until] = [weekMinute(times.from), weekMinute(times.until)];
      const at = weekMinute(weekTimeAt(times.timeZone, now));
      return from < until ? from <= at && at < until : from <= at || at < until;
    }
    default:
      return assertNever(times);
  }
}

/** When a freeze that holds now ends next: the first instant at which it does not hold. */
export function freezeEndsAt(times: FreezeTimes, now: FleetInstant): FleetInstant {
  if (times.kind === 'once') return times.until;
  const wanted = weekMinute(times.until);
  const until = (at: FleetInstant) =>
    (wanted - weekMinute(weekTimeAt(times.timeZone, at)) + WEEK_MINUTES) % WEEK_MINUTES;
  const minute = fleetInstant(Math.floor(now / MINUTE_MS) * MINUTE_MS);
  const end = fleetInstant(minute + until(minute) * MINUTE_MS);
  // A change of the clock on the way leaves it before its time, or as far behind it.
  const left = until(end);
  const shift = left > WEEK_MINUTES / 2 ? left - WEEK_MINUTES : left;
  return fleetInstant(end + shift * MINUTE_MS);
}

const WEEK_MINUTES = 7 * 1_440;

/** Whether an exclusion holds now. */
export function isExclusionTime({ expiresAt }: Exclusion, now: FleetInstant): boolean {
  return expiresAt === undefined || now < expiresAt;
}

/** Whether a text names a time zone of the IANA database that this program knows. */
export function isTimeZone(text: string): boolean {
  // An offset is none: a freeze by the clock on the wall has to follow it. Lists of names leave older spellings out.
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch (cause) {
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}

/** The times in words, for explanations and lists. */
export function describeFreezeTimes(times: FreezeTimes): string {
  if (times.kind === 'once') return `from ${iso(times.from)} to ${iso(times.until)}`;
  return `weekly from ${clock(times.from)} to ${clock(times.until)} in ${times.timeZone}`;
}

function iso(at: FleetInstant): string {
  return new Date(at).toISOString();
}

function clock({ day, minute }: WeekTime): string {
  const two = (count: number) => String(count).padStart(2, '0');
  return `${DAYS[day - 1] ?? day} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** As they are written: the first is 1. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function weekMinute({ day, minute }: WeekTime): number {
  return (day - 1) * 1_440 + minute;
}

/** What a clock on the wall of the zone shows (ECMA-402 §11): the same for the same instant, by the database of time zones. */
export function weekTimeAt(timeZone: string, now: FleetInstant): WeekTime {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(now)
      .map((part) => [part.type, part.value]),
  );
  const names: readonly string[] = DAYS;
  const day = names.indexOf(parts.get('weekday')?.toLowerCase() ?? '') + 1;
  return { day, minute: (Number(parts.get('hour')) % 24) * 60 + Number(parts.get('minute')) };
}

/** Making one costs a hundred times what using it does. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(timeZone, made);
  return made;
}
