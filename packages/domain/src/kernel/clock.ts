// SPDX-License-Identifier: Apache-2.0
import type { FleetInstant, MachineInstant } from './time.ts';

/** Tells fleet time: the wall clock in production, stepped by a conductor in the demonstration and the simulator. */
export interface FleetClock {
  now(): FleetInstant;
}

/** Tells machine time: monotonic, from an arbitrary start, never scaled. */
export interface MachineClock {
  now(): MachineInstant;
}
