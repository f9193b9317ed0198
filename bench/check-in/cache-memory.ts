// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import process from 'node:process';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import { deviceCache } from '@outrider/server/gateway/device-cache';
import { aDevice } from '@outrider/testkit/small-fleet';
import { deviceIdOf } from './requests.ts';

/**
 * A process of its own, `node --expose-gc`: fills the memory of a gateway with devices, and tells how many bytes each takes and what a
 * look at one costs.
 */
const devices = Number(process.argv[2]);
const { record } = aDevice();
const sets = Array.from({ length: 2_400 }, (_, number) => ({
  ...record.attributes,
  region: `r${number % 12}`,
  customer: `customer-${number % 200}`,
  tags: [`cohort:${number}`],
}));
/** A prime: a walk in its steps meets all devices, far from each other. */
const LOOK_STEP = 611_953;
const LOOKS = 500_000;
const LOOK_ROUNDS = 5;

const cache = deviceCache({ devicesMax: devices, hashKey: [1, 2] });
const before = bytesInUse();
for (let number = 0; number < devices; number++) {
  const digest = createHash('sha256').update(String(number)).digest();
  cache.set({
    record: {
      ...record,
      deviceId: deviceIdOf(number) as DeviceId,
      publicKey: { publicKey: digest.toString('base64'), keyId: digest.toString('hex') as KeyId },
      attributes: sets[number % sets.length] ?? record.attributes,
    },
    ledger: [],
  });
}
const bytes = (bytesInUse() - before) / cache.size();
process.send?.({ bytes, lookUs: lookUs() });

function bytesInUse(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * Of a message: the device is read, its mark looked at, its new status written. Devices in an order in which none is likely to be in the
 * processor's caches; the best of some rounds.
 */
function lookUs(): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < LOOK_ROUNDS; round++) {
    const began = process.cpuUsage();
    for (let look = 0; look < LOOKS; look++) {
      const id = deviceIdOf((look * LOOK_STEP) % devices) as DeviceId;
      const device = cache.get(id);
      if (device === undefined || cache.isMarked(id)) continue;
      const { status } = device.record;
      cache.setStatus(id, { ...status, sequence: status.sequence + 1 });
    }
    const { user, system } = process.cpuUsage(began);
    best = Math.min(best, (user + system) / LOOKS);
  }
  return best;
}
