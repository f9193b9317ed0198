// SPDX-License-Identifier: Apache-2.0
import { exponential, type Prng } from '@outrider/domain/kernel/prng';
import { CONTACT_SWING, type World } from './world.ts';

/** Minutes of one step of the simulation. */
export const STEP_MINUTES = 10;
export const STEPS_PER_HOUR = 60 / STEP_MINUTES;
export const STEPS_PER_DAY = 24 * STEPS_PER_HOUR;

/** What one run of a world draws before it starts: the same for every rule that is tried on it. */
export interface Weather {
  readonly outageFromStep: number;
  readonly outageToStep: number;
  /** Whether the defect, if it comes in bursts, shows in this step. */
  readonly isBurst: (step: number) => boolean;
}

export function drawWeather(world: World, source: Prng): Weather {
  const from = Math.floor((3 + 2 * source.next()) * STEPS_PER_DAY);
  const burstShare = world.defect?.burstShare ?? 1;
  const bursts = new Set<number>();
  for (let step = 0; burstShare < 1 && step < BURST_STEPS; ) {
    step += Math.ceil(exponential(source, 1 / burstShare));
    bursts.add(step);
  }
  return {
    outageFromStep: from,
    outageToStep: from + (world.outage?.lengthHours ?? 0) * STEPS_PER_HOUR,
    isBurst: (step) => burstShare >= 1 || bursts.has(step),
  };
}

/** Chances of one device that is permitted in this step. */
export interface Chances {
  readonly revert: number;
  readonly install: number;
  readonly silentFactor: number;
  /** On crashes and sensor faults. */
  readonly faultFactor: number;
  /** Of harm by the defect, beside the base rates. */
  readonly defectRevert: number;
}

export function chancesAt(
  world: World,
  weather: Weather,
  at: { readonly step: number; readonly segment: number },
): Chances {
  const { rates, defect, outage } = world;
  const isOutage = outage !== undefined && at.step >= weather.outageFromStep && at.step < weather.outageToStep;
  const early = at.step <= STEPS_PER_DAY ? rates.firstDayFactor : 1;
  const byHour = early * (1 + rates.swing * daily(world, at));
  const faultFactor = 1 + (rates.faultSwing ?? 0) * daily(world, at);
  const burstShare = defect?.burstShare ?? 1;
  return {
    revert: rates.revert * byHour,
    install: rates.install * byHour * (isOutage ? outage.installFactor : 1),
    silentFactor: faultFactor * (isOutage ? outage.silentFactor : 1),
    faultFactor,
    defectRevert: weather.isBurst(at.step) && hasDefect(world, at.segment) ? (defect?.revert ?? 0) / burstShare : 0,
  };
}

/** Whether the defect can happen in this segment. */
export function hasDefect({ defect }: World, segment: number): boolean {
  return defect !== undefined && (defect.isFirstSegmentOnly !== true || segment === 0);
}

/** Probability that a device with this mean between check-ins checks in during the step. */
export function checkInChance(
  world: World,
  meanHours: number,
  at: { readonly step: number; readonly segment: number },
): number {
  const perHour = (1 + CONTACT_SWING * daily(world, at)) / meanHours;
  return -Math.expm1(-perHour / STEPS_PER_HOUR);
}

/** Probability that something which takes this long on average happens within the step. */
export function chanceWithin(meanHours: number): number {
  return -Math.expm1(-1 / (meanHours * STEPS_PER_HOUR));
}

/** From -1 to 1 over the day of a segment. */
function daily(world: World, { step, segment }: { readonly step: number; readonly segment: number }): number {
  const zone = world.zoneHours?.[segment] ?? 0;
  return Math.sin(2 * Math.PI * (step / STEPS_PER_DAY - zone / 24));
}

/** Bursts are drawn for sixty days, more than any run takes. */
const BURST_STEPS = 60 * STEPS_PER_DAY;
