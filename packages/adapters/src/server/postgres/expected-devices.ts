// SPDX-License-Identifier: Apache-2.0
import type { RegistrationsHeld } from '@outrider/domain/gateway/admit-registration';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { deviceId } from '@outrider/protocol/kernel/values';
import { attributesOf } from './imports.ts';
import type { Database } from './pool.ts';
import { textOf, wellFormed } from './row.ts';

/**
 * What was announced of those of these devices that have not registered. From here to the end of the transaction no import can
 * announce another one.
 */
export async function loadExpected(
  query: Database['query'],
  deviceIds: readonly DeviceId[],
): Promise<RegistrationsHeld['expected']> {
  await query('select pg_advisory_xact_lock_shared(782311, 3)');
  const rows = await query(LOAD_EXPECTED, [deviceIds]);
  return new Map(
    rows.map((row) => {
      const key = row.public_key === null ? {} : { publicKey: textOf(row, 'public_key') };
      return [wellFormed(deviceId(row.device_id)), { attributes: attributesOf(row), ...key }];
    }),
  );
}

/** Ends the waiting for devices that are registered now; they keep the revision of what was announced. */
export async function takeExpected(query: Database['query'], devices: readonly DeviceRecord[]): Promise<void> {
  await query(TAKE_EXPECTED, [devices.map((one) => one.deviceId)]);
}

const LOAD_EXPECTED = `
select e.device_id, e.public_key, e.attributes from expected_device e
where e.device_id = any ($1::text[]) and not exists (select from device d where d.device_id = e.device_id)`;

const TAKE_EXPECTED = `
with taken as (
  delete from expected_device e using device d where d.device_id = e.device_id and e.device_id = any ($1::text[])
  returning e.device_id, e.attributes_revision
)
update device d set attributes_revision = greatest(d.attributes_revision, t.attributes_revision)
from taken t where d.device_id = t.device_id`;
