// SPDX-License-Identifier: Apache-2.0

import type { FleetBehaviour } from '@outrider/domain/decision/forecast/behaviour';
import type { ForecastDevice } from '@outrider/domain/decision/forecast/counted-fleet';
import type { Delta } from '@outrider/domain/delta/delta';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { Bytes } from '@outrider/domain/kernel/ids';
import { below, exponential, type Prng } from '@outrider/domain/kernel/prng';
import { HOUR_MS } from '@outrider/domain/kernel/time';
import { aDevice, digestOf } from '@outrider/testkit/small-fleet';

/** One device as the world knows it: what the registry holds, and how it lives. */
export interface WorldDevice {
  readonly known: KnownDevice;
  /** Between two check-ins, on average. */
  readonly contactMs: number;
  readonly silent: readonly [number, number, number];
  /** From the download until it may install. */
  readonly deferralMs: number;
}

/** A fleet of cameras: three hardware revisions, three regions, three versions in the field, a ring of three. */
export function makeFleet(devices: number, behaviour: FleetBehaviour, source: Prng): readonly WorldDevice[] {
  return Array.from({ length: devices }, (_, index) => {
    const contact = pick(behaviour.contacts, source);
    const readiness = pick(behaviour.readiness, source);
    const version = pick(VERSIONS, source);
    return {
      known: aDevice({
        deviceId: `camera-${index}`,
        version: version.version,
        image: version.image,
        attributes: {
          hardwareId: pick(HARDWARE, source).hardwareId,
          region: REGIONS[below(source, REGIONS.length)] ?? 'eu',
          tags: index < RING_DEVICES ? ['dogfood'] : [],
        },
      }),
      contactMs: contact.meanHours * HOUR_MS,
      silent: contact.silent,
      deferralMs: exponential(source, readiness.meanHours * HOUR_MS),
    };
  });
}

/** A device as the forecast is told of it: only what the registry knows. */
export function forecastDevice({ known: { record } }: WorldDevice): ForecastDevice {
  return { deviceId: record.deviceId, attributes: record.attributes, running: record.status.running };
}

/** Deltas from two of the three versions; the third gets the whole image. */
export const DELTAS: readonly Delta[] = [
  { bytes: 97_000, from: 'a', blob: 'd' },
  { bytes: 180_000, from: 'c', blob: 'e' },
].map(({ bytes, from, blob }) => ({
  fromDigest: digestOf(from),
  toDigest: digestOf('b'),
  format: 'zstd-patch-1',
  digest: digestOf(blob),
  bytes: bytes as Bytes,
}));

const RING_DEVICES = 3;
const HARDWARE = [
  { share: 0.45, hardwareId: 'rev-a' },
  { share: 0.43, hardwareId: 'rev-b' },
  { share: 0.12, hardwareId: 'rev-c' },
];
const REGIONS = ['eu', 'us', 'apac'];
const VERSIONS = [
  { share: 0.8, version: '1.0.0', image: 'a' },
  { share: 0.15, version: '0.9.0', image: 'c' },
  { share: 0.05, version: '0.8.0', image: 'f' },
];

function pick<T extends { readonly share: number }>(choices: readonly T[], source: Prng): T {
  let left = source.next();
  for (const choice of choices) {
    if (left < choice.share) return choice;
    left -= choice.share;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new RangeError('There is nothing to pick from');
  return last;
}
