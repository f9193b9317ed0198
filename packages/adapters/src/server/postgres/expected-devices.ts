// SPDX-License-Identifier: Apache-2.0
import { admitExpected, type UnexpectedCode } from '@outrider/domain/gateway/device-import';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { attributesOf } from './imports.ts';
import type { Database } from './pool.ts';
import { textOf } from './row.ts';

/**
 * Holds each device that registers against what was announced of it. From here to the end of the transaction no import can
 * announce another one.
 */
export async function admitDevices(
  query: Database['query'],
  devices: readonly DeviceRecord[],
): Promise<readonly Result<DeviceRecord, { readonly code: UnexpectedCode }>[]> {
  await query('select pg_advisory_xact_lock_shared(782311, 3)');
  const rows = await query(LOAD_EXPECTED, [devices.map((one) => one.deviceId)]);
  const expected = new Map(
    rows.map((row) => {
      const key = row.public_key === null ? {} : { publicKey: textOf(row, 'public_key') };
      return [textOf(row, 'device_id'), { attributes: attributesOf(row), ...key }];
    }),
  );
  return devices.map((device) => {
    const announced = expected.get(device.deviceId);
    if (announced === undefined) return ok(device);
    const admitted = admitExpected(announced, device);
    return admitted.ok ? ok({ ...device, attributes: admitted.value }) : admitted;
  });
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
