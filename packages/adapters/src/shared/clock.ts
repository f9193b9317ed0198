// SPDX-License-Identifier: Apache-2.0
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import { type FleetInstant, fleetInstant, machineInstant } from '@outrider/domain/kernel/time';
import type { CivilMs } from '@outrider/domain/trust/credentials';

/** Fleet time in production: the wall clock, in whole milliseconds. */
export function wallClock(): FleetClock {
  return { now: () => fleetInstant(Date.now()) };
}

/** Machine time: monotonic milliseconds since this process began. */
export function monotonicClock(): MachineClock {
  return { now: () => machineInstant(performance.now()) };
}

/** A fleet clock that somebody steps. */
export interface SteppedClock extends FleetClock {
  /** Sets the instant; answers false, and changes nothing, when it is earlier than the current one. */
  stepTo(instant: FleetInstant): boolean;
}

/** Fleet time under a conductor: it stands still until it is stepped, and never goes back. */
export function steppedClock(start: FleetInstant): SteppedClock {
  let current = start;
  return {
    now: () => current,
    stepTo(instant) {
      if (instant < current) return false;
      current = instant;
      return true;
    },
  };
}

/** The wall clock of people: what sessions and tokens are measured by, also where a conductor steps fleet time. */
export function systemCivilClock(): CivilMs {
  return Date.now() as CivilMs;
}
