// SPDX-License-Identifier: Apache-2.0
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { STEP_MS } from '../play/stage.ts';
import type { FaultOf, Weather } from './faults/weather.ts';

/** The rushes that one device is part of: it is not ready before, and ready at once when one comes. */
export interface Rushes {
  isNow(): boolean;
  /** When the device is ready, given when it would be. */
  readyAt(readyAt: FleetInstant, now: FleetInstant): FleetInstant;
  /** When it wakes, given when it would: at the next rush at the latest. */
  wakeAt(wantedAt: FleetInstant, now: FleetInstant): FleetInstant;
}

/** Most devices are part of none, and ask at each wake. */
const NO_RUSH: Rushes = { isNow: () => false, readyAt: (readyAt) => readyAt, wakeAt: (wantedAt) => wantedAt };

export function rushes(weather: Weather, device: number): Rushes {
  const all = weather.rushesOf(device);
  if (all.length === 0) return NO_RUSH;
  const endOf = (fault: FaultOf<'rush'>) => fault.fromStep + fault.steps;
  const instantOf = (step: number, now: FleetInstant) => fleetInstant(now + (step - weather.step) * STEP_MS);
  const isNow = () => all.some((fault) => endOf(fault) === weather.step);
  return {
    isNow,
    readyAt(readyAt, now) {
      if (isNow()) return now;
      const waitedFor = all.find((fault) => fault.fromStep <= weather.step && weather.step < endOf(fault));
      return waitedFor === undefined ? readyAt : instantOf(endOf(waitedFor), now);
    },
    wakeAt(wantedAt, now) {
      const next = Math.min(...all.map(endOf).filter((step) => step > weather.step));
      return Number.isFinite(next) ? fleetInstant(Math.min(wantedAt, instantOf(next, now))) : wantedAt;
    },
  };
}
