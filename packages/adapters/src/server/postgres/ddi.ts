// SPDX-License-Identifier: Apache-2.0
import { BY_THE_FLEET } from '@outrider/domain/gateway/admit-registration';
import type { DdiStore } from '@outrider/domain/gateway/ddi/ports';
import { present } from '@outrider/domain/kernel/assert';
import { encodeDdiDevice, parseDdiDevice } from '@outrider/protocol/gateway/ddi/ddi-device';
import { appendAudit } from './audit-chain.ts';
import type { Database } from './pool.ts';
import { registerIn } from './registry.ts';
import { documentsOf } from './row.ts';

export function postgresDdi(database: Database): DdiStore {
  return {
    addDevices(devices, note) {
      return database.transaction(async (query) => {
        const records = devices.map((one) => one.record);
        const registered = await registerIn(query, records, BY_THE_FLEET);
        const added = devices.filter((_, index) => registered[index]?.ok === true);
        await query(ADD, [added.map(({ record }) => record.deviceId), added.map(({ ddi }) => encodeDdiDevice(ddi))]);
        if (added.length > 0) await appendAudit(query, [note]);
        return registered;
      });
    },
    async loadDevices(deviceIds) {
      return documentsOf(await database.query(LOAD, [deviceIds]), parseDdiDevice);
    },
    changeDevice(deviceId, change, note) {
      return database.transaction(async (query) => {
        const [held] = documentsOf(await query(`${LOAD} for update`, [[deviceId]]), parseDdiDevice);
        if (held === undefined) return undefined;
        const changed = change(held);
        if (changed === undefined) return held;
        const [row] = documentsOf(await query(CHANGE, [deviceId, encodeDdiDevice(changed)]), parseDdiDevice);
        if (note !== undefined) await appendAudit(query, [note]);
        return present(row, 'the device that was just locked');
      });
    },
  };
}

const ADD = `
insert into ddi_device (device_id, document)
select device_id, document::jsonb from unnest($1::text[], $2::text[]) as d (device_id, document)
order by device_id collate "C" on conflict (device_id) do nothing`;

const LOAD = `select document from ddi_device where device_id = any ($1::text[])`;

const CHANGE = `update ddi_device set document = $2::jsonb where device_id = $1 returning document`;
