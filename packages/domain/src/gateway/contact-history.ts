// SPDX-License-Identifier: Apache-2.0
import { type DurationMs, type FleetInstant, hours } from '../kernel/time.ts';

/** When a device was heard of in the last three days, by slots of six hours: two numbers, however often it speaks. */
export interface ContactHistory {
  /** Contacts are noted from this instant on; what lies before it is unknown. */
  readonly since: FleetInstant;
  /** Bit k: heard of in the k-th slot before the one of the last contact; bit 0 is that slot itself. */
  readonly slots: number;
}

/** What a history is kept beside: the last contact, and the contacts before it. */
export interface ContactStatus {
  readonly lastContactAt: FleetInstant;
  /** Absent: the device was last heard of by a server that kept none. */
  readonly contactHistory?: ContactHistory;
}

/** The history of a device that is heard of at `at`, for the first time. */
export function newContactHistory(at: FleetInstant): ContactHistory {
  return { since: at, slots: 1 };
}

/** The history after one more contact at `at`, which is the last contact from now on. */
export function withContactIn({ lastContactAt, contactHistory }: ContactStatus, at: FleetInstant): ContactHistory {
  if (contactHistory === undefined) return newContactHistory(at);
  return {
    since: contactHistory.since,
    slots: slotsFrom(contactHistory.slots, slotOf(at) - slotOf(lastContactAt)) | 1,
  };
}

/** What is known of a device that was heard of on two ways: the contacts of both, as seen from the last one of `next`. */
export function joinedHistory(before: ContactStatus, next: ContactStatus): ContactHistory | undefined {
  if (before.contactHistory === undefined || next.contactHistory === undefined) {
    return next.contactHistory ?? before.contactHistory;
  }
  const earlier = slotsFrom(before.contactHistory.slots, slotOf(next.lastContactAt) - slotOf(before.lastContactAt));
  const since = before.contactHistory.since < next.contactHistory.since ? before.contactHistory : next.contactHistory;
  return { since: since.since, slots: next.contactHistory.slots | earlier };
}

/**
 * Whether a device was silent from about 72 to 24 h before `at`: no contact in the eight whole slots in between. Undefined
 * while its history does not reach back so far. The slots do not depend on the arm, so that the A/A monitor may compare
 * the arms by this (design/decision.md, "A/A monitor").
 */
export function wasSilentBefore(
  { lastContactAt, contactHistory }: ContactStatus,
  at: FleetInstant,
): boolean | undefined {
  if (contactHistory === undefined) return undefined;
  const { since, slots } = contactHistory;
  if (since > (slotOf(at) - OLDEST_SLOT) * SLOT_MS) return undefined;
  return (slotsFrom(slots, slotOf(at) - slotOf(lastContactAt)) & BEFORE_MASK) === 0;
}

/** Length of a slot. */
export const CONTACT_SLOT_MS: DurationMs = hours(6);

const SLOT_MS: number = CONTACT_SLOT_MS;
/** The slot that began 66 to 72 h ago, and the one that ended 18 to 24 h ago. */
const OLDEST_SLOT = 11;
const NEWEST_SLOT = 4;
/** As many bits as the oldest slot needs; older contacts are forgotten. */
const ALL_MASK = 2 ** (OLDEST_SLOT + 1) - 1;
const BEFORE_MASK = ALL_MASK - (2 ** NEWEST_SLOT - 1);

/** The same contacts as seen from another slot, so many later; a clock that went back leaves out those of its future. */
function slotsFrom(slots: number, later: number): number {
  if (Math.abs(later) > OLDEST_SLOT) return 0;
  return later >= 0 ? (slots << later) & ALL_MASK : slots >>> -later;
}

function slotOf(at: FleetInstant): number {
  return Math.floor(at / SLOT_MS);
}
