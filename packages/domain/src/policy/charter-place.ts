// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../kernel/ids.ts';
import type { CharterDocument, CharterWave } from './charter.ts';
import { THRESHOLD_WHOLE } from './charter.ts';
import { orderOf } from './place.ts';

/** A device before a charter. The segment is absent where the device cannot know it: then the largest threshold counts. */
export interface CharterSubject {
  readonly deviceId: DeviceId;
  readonly segment?: string;
}

/**
 * The first 32 bits of a device's place: the first four bytes of SHA-256 over `<salt>|order|<device id>`, the largest first.
 * The same comparison in any language, without fractions.
 */
export function placeOf(salt: string, deviceId: DeviceId): number {
  return Math.floor(orderOf(salt, deviceId) * THRESHOLD_WHOLE);
}

/** For each wave of the charter, whether it reaches the device: by name in a ring of it or an earlier one, or by place. */
export function reachOf(document: CharterDocument, subject: CharterSubject): readonly boolean[] {
  const place = placeOf(document.plan.salt, subject.deviceId);
  let isInRing = false;
  return document.waves.map((wave) => {
    isInRing ||= wave.ringDevices.includes(subject.deviceId);
    return isInRing || place < thresholdFor(wave, subject.segment);
  });
}

/** The threshold that holds for a segment; for an unknown one the largest of the wave. */
export function thresholdFor({ threshold, segments = [] }: CharterWave, segment: string | undefined): number {
  if (segment === undefined) return Math.max(threshold, ...segments.map((one) => one.threshold));
  return segments.find((one) => one.segment === segment)?.threshold ?? threshold;
}

/** The largest threshold of a wave: what decides whether it needs a signature of its own. */
export function largestThreshold(wave: CharterWave): number {
  return thresholdFor(wave, undefined);
}
