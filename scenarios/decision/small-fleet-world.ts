// SPDX-License-Identifier: Apache-2.0
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { DeviceId, SegmentId } from '@outrider/domain/kernel/ids';
import { exponential, type Prng } from '@outrider/domain/kernel/prng';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import { orderOf } from '@outrider/domain/policy/place';

/** One device of the world: where it stands, how often it calls, how long it makes people wait. */
export interface WorldDevice {
  readonly id: DeviceId;
  readonly segment: SegmentId;
  readonly isRing: boolean;
  readonly order: number;
  readonly contact: ContactClass;
  /** From the download until it may install. */
  readonly deferralMs: number;
}

/** The device at this place of the fleet. Rings are spread over the segments; they are at hand and install at once. */
export function makeDevice(
  place: { readonly index: number; readonly ringDevices: number; readonly salt: string },
  source: Prng,
): WorldDevice {
  const id = `device-${place.index}` as DeviceId;
  const isRing = place.index < place.ringDevices;
  const drawn = pick(SEGMENTS, source);
  return {
    id,
    segment: (isRing ? (SEGMENTS[place.index % SEGMENTS.length] ?? drawn) : drawn).segment,
    isRing,
    order: orderOf(place.salt, id),
    contact: pick(CONTACT_CLASSES, source),
    deferralMs: isRing ? 0 : exponential(source, pick(DEFERRALS, source).meanMs),
  };
}

/** What becomes of one installation. One that fails to install is tried again within six hours and succeeds. */
export function drawInstall(source: Prng, now: FleetInstant, isDefective: boolean): Partial<LedgerOutcome> {
  const endsAt = fleetInstant(now + Math.round(source.next() * 20 * MINUTE_MS));
  if (isDefective || source.next() < byHour(REVERT_RATE, now)) return { revertedAt: endsAt };
  if (source.next() >= byHour(INSTALL_FAILURE_RATE, now)) return { verifiedAt: endsAt };
  return { installFailedAt: endsAt, verifiedAt: fleetInstant(endsAt + 6 * HOUR_MS) };
}

/** Silence, crash and sensor fault after an enrolment: the same in both arms. */
export function drawFaults(source: Prng, device: WorldDevice, now: FleetInstant): Partial<LedgerOutcome> {
  const { silent24, silent72, silent168 } = device.contact;
  const luck = source.next();
  const faultAt = fleetInstant(Math.round(now + source.next() * DAY_MS));
  const contactAt = (fromHours: number) => fleetInstant(Math.round(now + (fromHours + 20 * source.next()) * HOUR_MS));
  return {
    firstContactAt: contactAt(luck < silent24 ? 24.1 : 1.1),
    secondDayContactAt: contactAt(luck < silent72 ? 72.1 : 24.1),
    fourthDayContactAt: contactAt(luck < silent168 ? 168.1 : 72.1),
    ...(source.next() < byHour(CRASH_RATE, now) ? { crashedAt: faultAt } : {}),
    ...(source.next() < byHour(SENSOR_RATE, now) ? { sensorFaultAt: faultAt } : {}),
  };
}

interface SegmentShare {
  readonly share: number;
  readonly segment: SegmentId;
}

/** Hardware revisions: the segments of the plan. */
export const SEGMENTS: readonly SegmentShare[] = [
  { share: 0.45, segment: 'rev-a' as SegmentId },
  { share: 0.43, segment: 'rev-b' as SegmentId },
  { share: 0.12, segment: 'rev-c' as SegmentId },
];

interface ContactClass {
  readonly share: number;
  /** Mean time between two calls. */
  readonly contactMs: number;
  /** Share that is silent for 24, 72 and 168 h although it is asked again after an enrolment. */
  readonly silent24: number;
  readonly silent72: number;
  readonly silent168: number;
}

const CONTACT_CLASSES: readonly ContactClass[] = [
  { share: 0.6, contactMs: 4 * HOUR_MS, silent24: 0.003, silent72: 0.0008, silent168: 0.0004 },
  { share: 0.35, contactMs: 12 * HOUR_MS, silent24: 0.01, silent72: 0.004, silent168: 0.0015 },
  { share: 0.05, contactMs: 48 * HOUR_MS, silent24: 0.05, silent72: 0.03, silent168: 0.01 },
];

/** How long a device that has downloaded takes until it may install. */
const DEFERRALS: readonly { readonly share: number; readonly meanMs: number }[] = [
  { share: 0.7, meanMs: 8 * HOUR_MS },
  { share: 0.2, meanMs: 24 * HOUR_MS },
  { share: 0.07, meanMs: 96 * HOUR_MS },
  { share: 0.03, meanMs: 240 * HOUR_MS },
];

const REVERT_RATE = 0.00015;
const INSTALL_FAILURE_RATE = 0.003;
const CRASH_RATE = 0.03;
const SENSOR_RATE = 0.003;

/** Rates swing by half over the day. */
function byHour(rate: number, now: FleetInstant): number {
  return rate * (1 + 0.5 * Math.sin((2 * Math.PI * now) / DAY_MS));
}

function pick<T extends { readonly share: number }>(choices: readonly T[], source: Prng): T {
  let left = source.next();
  let last: T | undefined;
  for (const choice of choices) {
    last = choice;
    if (left < choice.share) return choice;
    left -= choice.share;
  }
  if (last === undefined) throw new RangeError('There is nothing to pick from');
  return last;
}
