// SPDX-License-Identifier: Apache-2.0
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { STEP_MS } from '../play/stage.ts';
import type { FaultOf, Weather } from './faults/weather.ts';

/** The clock of one device: what it shows, and when it really is. */
export interface DeviceClock {
  /** What the device's clock shows, or would show at `at`, by the error it has at the true instant `now`. */
  shownAt(at: FleetInstant, now: FleetInstant): FleetInstant;
  /** The other way round. */
  trueAt(shown: FleetInstant, now: FleetInstant): FleetInstant;
  /** When a timer that is set for `shown` really goes off: also whenever the clock is set. */
  wakeAt(shown: FleetInstant, now: FleetInstant): FleetInstant;
}

export function deviceClock(weather: Weather, device: number): DeviceClock {
  function stepInstant(step: number, now: FleetInstant): number {
    return now + (step - weather.step) * STEP_MS;
  }

  function errorMs(now: FleetInstant): number {
    const active = weather.active('clock');
    const fault = active.length === 0 ? undefined : active.find((one) => one.device === device);
    if (fault === undefined) return 0;
    const sinceMs = now - stepInstant(fault.fromStep, now);
    const driftMs = Math.round((sinceMs * fault.driftPpm) / 1_000_000);
    return driftMs + (fault.is1970 ? -stepInstant(fault.fromStep, now) : fault.offsetMs);
  }

  /** The next instant at which this clock is set: wrong, or right again. */
  function nextChange(now: FleetInstant): number {
    const faults = weather.ofDevice('clock', device);
    if (faults.length === 0) return Number.POSITIVE_INFINITY;
    const changes = faults
      .flatMap((fault: FaultOf<'clock'>) => [fault.fromStep, fault.fromStep + fault.steps])
      .map((step) => stepInstant(step, now))
      .filter((at) => at > now);
    return Math.min(Number.POSITIVE_INFINITY, ...changes);
  }

  const shownAt = (at: FleetInstant, now: FleetInstant) => fleetInstant(Math.max(0, at + errorMs(now)));
  return {
    shownAt,
    trueAt: (shown, now) => fleetInstant(Math.max(0, shown - errorMs(now))),
    wakeAt(shown, now) {
      const timerAt = now + Math.max(1, shown - shownAt(now, now));
      return fleetInstant(Math.min(timerAt, nextChange(now)));
    },
  };
}
