// SPDX-License-Identifier: Apache-2.0
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { wallClock } from '@outrider/adapters/shared/clock';
import { newContactHistory } from '@outrider/domain/gateway/contact-history';
import type { DeviceRecord, RunningSoftware } from '@outrider/domain/gateway/device-record';
import { HERD_TYPE, herdDeviceId, herdPublicKey } from './herd-device.ts';

/** Devices of one statement. */
const BATCH = 1_000;

/** Devices as their registrations leave them: how they register is not the point. */
export async function storeHerd(
  connection: PostgresConnection,
  herd: { readonly seed: string; readonly devices: number; readonly running: RunningSoftware },
): Promise<void> {
  const { seed, devices, running } = herd;
  const now = wallClock().now();
  const store = await openPostgresStore({ connection, connectionsMax: 2 });
  const recordOf = (number: number): DeviceRecord => ({
    deviceId: herdDeviceId(number),
    attributes: {
      ...{ deviceType: HERD_TYPE, hardwareId: 'rev-a', model: 'compact', customer: 'northwind', carrier: 'lte-one' },
      ...{ region: number % 2 === 0 ? 'eu' : 'us', tags: ['dogfood'] },
    },
    publicKey: herdPublicKey(seed, number),
    registeredAt: now,
    status: { sequence: 0, lastContactAt: now, contactHistory: newContactHistory(now), running, state: 'idle' },
  });
  try {
    for (let from = 0; from < devices; from += BATCH) {
      const count = Math.min(BATCH, devices - from);
      await store.registry.register(Array.from({ length: count }, (_, index) => recordOf(from + index)));
    }
  } finally {
    await store.close();
  }
}
