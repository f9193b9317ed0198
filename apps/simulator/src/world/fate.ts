// SPDX-License-Identifier: Apache-2.0
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { exponential, type Prng, prng } from '@outrider/domain/kernel/prng';
import { after, DAY_MS, type DurationMs, durationMs, type FleetInstant, hours } from '@outrider/domain/kernel/time';
import {
  CONTACT_CLASSES,
  CONTACT_SWING,
  type ContactClass,
  dayFactor,
  FAILURE_SWING,
  FAULT_RATES,
  type FaultEvent,
  INSTALL_FAILURE_RATE,
  READINESS_CLASSES,
  REVERT_RATE,
} from './rates.ts';
import type { World } from './world.ts';

/** What one device is like for good. */
export interface DeviceNature {
  readonly deviceId: DeviceId;
  readonly hardwareId: string;
  readonly contact: ContactClass;
}

/** What follows an enrolment, in either arm. */
export interface EnrolmentFate {
  /** No contact before this instant; absent: it answers all re-polls. */
  readonly silentUntil?: FleetInstant;
  /** What it reports by chance in the first 24 hours, ascending. */
  readonly faults: readonly { readonly event: FaultEvent; readonly at: FleetInstant }[];
}

/** The nature of a device: drawn from the world's seed and its id alone, so the same in every run. */
export function natureOf(world: World, deviceId: DeviceId, hardwareId: string): DeviceNature {
  const source = chance(world, deviceId, 'nature');
  return { deviceId, hardwareId, contact: pick(source, CONTACT_CLASSES) };
}

/** What an enrolment at this instant leads to. Both arms draw alike: nothing here is the release's fault. */
export function enrolmentFate(
  world: World,
  nature: DeviceNature,
  enrolment: { readonly rolloutId: RolloutId; readonly at: FleetInstant },
): EnrolmentFate {
  const source = chance(world, nature.deviceId, `enrolment/${enrolment.rolloutId}/${enrolment.at}`);
  const silenceMs = drawSilence(source, nature.contact);
  const factor = dayFactor(enrolment.at, FAILURE_SWING);
  const faults = FAULT_RATES.flatMap(({ event, rate }) => {
    const isFaulty = source.next() < rate * factor;
    const at = after(enrolment.at, durationMs(Math.floor(source.next() * DAY_MS)));
    return isFaulty ? [{ event, at }] : [];
  }).sort((a, b) => a.at - b.at);
  return silenceMs === undefined ? { faults } : { faults, silentUntil: after(enrolment.at, silenceMs) };
}

/** How long after it was offered a release the device becomes ready to install it. */
export function readinessDelay(
  world: World,
  deviceId: DeviceId,
  offer: { readonly offeredAt: FleetInstant; readonly isRollback: boolean },
): DurationMs {
  const source = chance(world, deviceId, `readiness/${offer.offeredAt}`);
  // Nobody puts off the way back: it waits for the next maintenance window only.
  const { meanMs } = offer.isRollback ? READINESS_CLASSES[0] : pick(source, READINESS_CLASSES);
  return durationMs(Math.floor(exponential(source, meanMs)));
}

/** The time to the next contact of a device with which nothing is going on. */
export function contactGap(world: World, nature: DeviceNature, at: FleetInstant): DurationMs {
  const source = chance(world, nature.deviceId, `contact/${at}`);
  const meanMs = nature.contact.contactMeanMs * dayFactor(at, CONTACT_SWING);
  return durationMs(Math.floor(exponential(source, meanMs)));
}

/** Whether an attempt to install fails at this instant. */
export function isInstallFailing(world: World, deviceId: DeviceId, at: FleetInstant): boolean {
  const rate = INSTALL_FAILURE_RATE * dayFactor(at, FAILURE_SWING);
  return chance(world, deviceId, `install/${at}`).next() < rate;
}

/** Why the first boot of a version fails its health check, if it does: a defect of the release, or mere chance. */
export function bootFault(
  world: World,
  nature: DeviceNature,
  boot: { readonly version: string; readonly at: FleetInstant },
): 'defect' | 'chance' | undefined {
  const source = chance(world, nature.deviceId, `boot/${boot.version}/${boot.at}`);
  const defect = world.defects.find((one) => one.version === boot.version && one.hardwareId === nature.hardwareId);
  if (source.next() < (defect?.revertProbability ?? 0)) return 'defect';
  return source.next() < REVERT_RATE * dayFactor(boot.at, FAILURE_SWING) ? 'chance' : undefined;
}

/** Each question has a stream of its own: one more draw in one place moves nothing elsewhere. */
function chance(world: World, deviceId: DeviceId, question: string): Prng {
  return prng(`${world.seed}/${deviceId}/${question}`);
}

/** One uniform decides all three windows: who is silent for a week is silent for a day too. */
function drawSilence(source: Prng, { silent }: ContactClass): DurationMs | undefined {
  const draw = source.next();
  const beyond = source.next();
  if (draw < silent.week) return hours(168 + 168 * beyond);
  if (draw < silent.threeDays) return hours(72 + 96 * beyond);
  if (draw < silent.day) return hours(24 + 48 * beyond);
  return undefined;
}

/** Draws one of several kinds by their shares, which sum to 1. */
function pick<T extends { readonly share: number }>(source: Prng, kinds: readonly T[]): T {
  const draw = source.next();
  let sum = 0;
  const picked = kinds.find(({ share }) => {
    sum += share;
    return draw < sum;
  });
  // Shares of decimal fractions may sum to a little less than 1.
  return present(picked ?? kinds.at(-1), 'at least one kind to pick from');
}
