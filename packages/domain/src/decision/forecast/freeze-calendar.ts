// SPDX-License-Identifier: Apache-2.0
import { type FleetInstant, fleetInstant, HOUR_MS } from '../../kernel/time.ts';
import { type Freeze, isFreezeTime } from '../../policy/freeze.ts';
import { STEP_HOURS } from './course-fleet.ts';

/** Which freezes hold in each step of a course: looked up once for all courses, since clocks on walls are slow to read. */
export interface FreezeCalendar {
  /** The freeze by its index in the counted fleet, the step from 1. */
  isFrozen(freeze: number, step: number): boolean;
}

/** The steps from this instant on. */
export function freezeCalendar(
  freezes: readonly Freeze[],
  from: FleetInstant,
  { steps }: { readonly steps: number },
): FreezeCalendar {
  const held = freezes.map(({ times }) =>
    Uint8Array.from({ length: steps + 1 }, (_, step) =>
      isFreezeTime(times, fleetInstant(from + step * STEP_HOURS * HOUR_MS)) ? 1 : 0,
    ),
  );
  return { isFrozen: (freeze, step) => held[freeze]?.[step] === 1 };
}
