// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { prng } from '@outrider/domain/kernel/prng';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';

/** A device of a simulated fleet, before it is registered. */
export interface PlannedDevice {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
}

/** What a value's share of the fleet is; the shares of one attribute sum to 1. */
interface Share {
  readonly value: string;
  readonly share: number;
}

const HARDWARE: readonly Share[] = [
  { value: 'rev-a', share: 0.45 },
  { value: 'rev-b', share: 0.43 },
  { value: 'rev-c', share: 0.12 },
];
const MODELS: readonly Share[] = [
  { value: 'compact', share: 0.6 },
  { value: 'wide', share: 0.4 },
];
const REGIONS: readonly Share[] = [
  { value: 'eu', share: 0.5 },
  { value: 'na', share: 0.3 },
  { value: 'apac', share: 0.2 },
];
const CUSTOMERS: readonly Share[] = [
  { value: 'northwind', share: 0.55 },
  { value: 'harbour', share: 0.3 },
  { value: 'meridian', share: 0.15 },
];
const CARRIERS: readonly Share[] = [
  { value: 'lte-one', share: 0.7 },
  { value: 'lte-two', share: 0.3 },
];

/** A fleet of one device type: the same seed and size give the same devices. */
export function planFleet(options: {
  readonly seed: string;
  readonly deviceType: string;
  readonly count: number;
}): readonly PlannedDevice[] {
  const { seed, deviceType, count } = options;
  return Array.from({ length: count }, (_, index) => {
    const source = prng(`${seed}/fleet/${index}`);
    const attributes: DeviceAttributes = {
      deviceType,
      hardwareId: draw(source.next(), HARDWARE),
      model: draw(source.next(), MODELS),
      region: draw(source.next(), REGIONS),
      customer: draw(source.next(), CUSTOMERS),
      carrier: draw(source.next(), CARRIERS),
      tags: [],
    };
    return { deviceId: `${deviceType}-${String(index).padStart(6, '0')}` as DeviceId, attributes };
  });
}

function draw(uniform: number, shares: readonly Share[]): string {
  let sum = 0;
  let last = '';
  for (const { value, share } of shares) {
    last = value;
    sum += share;
    if (uniform < sum) break;
  }
  return last;
}
