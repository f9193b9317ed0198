// SPDX-License-Identifier: Apache-2.0
import { orderOf } from '../../policy/place.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import { waveDevices } from '../waves.ts';
import type { ForecastDevice } from './counted-fleet.ts';

/** Where a device is reached first. */
export interface WavePlace {
  readonly waveIndex: number;
  /** Reached as a ring, so treated without a coin. */
  readonly isRing: boolean;
}

/** The index of the first wave of a plan that may reach this device of an audience of `population` devices. */
export function firstWaveOf(
  plan: RolloutPlan,
  population: number,
  device: Pick<ForecastDevice, 'deviceId' | 'attributes'>,
): number {
  const ringIndex = ringIndexOf(plan, device.attributes.tags);
  return placeOf(orderOf(plan.salt, device.deviceId), ringIndex, waveEnds(plan, population)).waveIndex;
}

/** Where each wave ends, as a share of the hash order. */
export function waveEnds(plan: RolloutPlan, population: number): readonly number[] {
  return plan.waves.map((wave) => waveDevices(wave, population) / Math.max(1, population));
}

/** The first wave that opens a ring with one of these tags; -1: none. */
export function ringIndexOf(plan: RolloutPlan, tags: readonly string[]): number {
  return plan.waves.findIndex((wave) => wave.ringTags.some((tag) => tags.includes(tag)));
}

/** The earlier of ring and prefix; the last wave is everyone. */
export function placeOf(order: number, ringIndex: number, ends: readonly number[]): WavePlace {
  const inPrefix = ends.findIndex((end) => order < end);
  const prefixIndex = inPrefix < 0 ? ends.length - 1 : inPrefix;
  const isRing = ringIndex >= 0 && ringIndex <= prefixIndex;
  return { waveIndex: isRing ? ringIndex : prefixIndex, isRing };
}

/** Where this many devices of unknown order will be, as the shares of the waves say: whole devices, none lost. */
export function spreadOverWaves(
  devices: number,
  ringIndex: number,
  ends: readonly number[],
): readonly (WavePlace & { readonly devices: number })[] {
  let placed = 0;
  let before = 0;
  return ends.flatMap((end, index) => {
    const share = index === ends.length - 1 ? 1 : Math.max(end, before);
    // Whole devices up to here, less those placed: what is rounded away in one wave comes in the next.
    const here = Math.round(devices * share) - placed;
    const place = placeOf(
      before,
      ringIndex,
      ends.map((one, at) => (at < index ? 0 : one)),
    );
    placed += here;
    before = share;
    return here === 0 ? [] : [{ ...place, devices: here }];
  });
}
