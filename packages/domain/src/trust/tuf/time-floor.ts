// SPDX-License-Identifier: Apache-2.0
import type { FleetInstant } from '../../kernel/time.ts';

/**
 * The time that expiry is judged by: the device's clock, but never before the latest instant that a verified document proves.
 * So a clock at 1970 lets no expired document in that the device once knew to be old; a clock ahead only refuses.
 */
export function trustedNow(clock: FleetInstant, floor: FleetInstant): FleetInstant {
  return clock > floor ? clock : floor;
}

/** The floor after a verified statement of the director: it never goes down. */
export function raisedFloor(floor: FleetInstant, signedAt: FleetInstant | undefined): FleetInstant {
  return signedAt !== undefined && signedAt > floor ? signedAt : floor;
}
