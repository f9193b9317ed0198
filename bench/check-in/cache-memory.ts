// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import process from 'node:process';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import { deviceCache } from '@outrider/server/gateway/device-cache';
import { aDevice } from '@outrider/testkit/small-fleet';
import { deviceIdOf } from './requests.ts';

/** A process of its own, `node --expose-gc`: fills the memory of a gateway with devices and tells how many bytes each takes. */
const devices = Number(process.argv[2]);
const { record } = aDevice();
const sets = Array.from({ length: 2_400 }, (_, number) => ({
  ...record.attributes,
  region: `r${number % 12}`,
  customer: `customer-${number % 200}`,
  tags: [`cohort:${number}`],
}));
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
process.send?.({ bytes });

function bytesInUse(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
