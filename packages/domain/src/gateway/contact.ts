// SPDX-License-Identifier: Apache-2.0
import { after, DAY_MS, type DurationMs, type FleetInstant, HOUR_MS, hours } from '../kernel/time.ts';
import type { LedgerOutcome, LedgerRow } from './ledger.ts';

/**
 * Where each stretch of silence begins, counted from the grant: the first contact later than this is noted on the row, and
 * decides the window that ends next (24, 72 or 168 h). Stretches do not overlap, so that a device that was heard of on its
 * first day and never again is silent in the later ones. Contacts of the first hour count for nothing: a treated device
 * reboots in it, a control does not.
 */
export const STRETCHES_FROM_MS: Readonly<Record<ContactName, DurationMs>> = {
  firstContactAt: HOUR_MS,
  secondDayContactAt: DAY_MS,
  fourthDayContactAt: hours(72),
};

/** The instants of a row that contacts set. */
export type ContactName = 'firstContactAt' | 'secondDayContactAt' | 'fourthDayContactAt';

/** The outcome with this contact noted in each stretch that it is the first of; the same value when there is none. */
export function withContact(outcome: LedgerOutcome, at: FleetInstant): LedgerOutcome {
  let noted = outcome;
  for (const [name, fromMs] of STRETCHES) {
    if (noted[name] === undefined && at > after(outcome.row.grantedAt, fromMs)) noted = { ...noted, [name]: at };
  }
  return noted;
}

/** Whether a contact at `at` begins a stretch of this row that no contact up to `before` had reached. */
export function isNewContact(row: LedgerRow, before: FleetInstant, at: FleetInstant): boolean {
  return STRETCHES.some(([, fromMs]) => {
    const from = after(row.grantedAt, fromMs);
    return at > from && before <= from;
  });
}

const STRETCHES: readonly (readonly [ContactName, DurationMs])[] = [
  ['firstContactAt', STRETCHES_FROM_MS.firstContactAt],
  ['secondDayContactAt', STRETCHES_FROM_MS.secondDayContactAt],
  ['fourthDayContactAt', STRETCHES_FROM_MS.fourthDayContactAt],
];
