// SPDX-License-Identifier: Apache-2.0
import type { Registry } from '@outrider/domain/gateway/ports';
import { present } from '@outrider/domain/kernel/assert';
import { err, ok } from '@outrider/domain/kernel/result';
import { parseStateCount } from '@outrider/protocol/decision/overview';
import { parseDeviceRecord, parseKnownDevice } from '@outrider/protocol/gateway/device-record';
import { admitDevices, takeExpected } from './expected-devices.ts';
import { type Database, LONG_ANSWER_MS } from './pool.ts';
import { documentsOf } from './row.ts';

export function postgresRegistry(database: Database): Registry {
  return {
    async register(devices) {
      const deviceIds = devices.map((one) => one.deviceId);
      return await database.transaction(async (query) => {
        const admitted = await admitDevices(query, devices);
        const accepted = admitted.flatMap((one) => (one.ok ? [one.value] : []));
        await query(REGISTER, [JSON.stringify(accepted)]);
        await takeExpected(query, devices);
        const rows = await query('select document from device_document where device_id = any ($1)', [deviceIds]);
        const held = new Map(documentsOf(rows, parseDeviceRecord).map((one) => [one.deviceId, one]));
        return devices.map((device, index) => {
          const known = held.get(device.deviceId);
          const refused = admitted[index];
          if (known === undefined && refused !== undefined && !refused.ok) return refused;
          const { publicKey } = present(known, 'a device that was just registered, or was before').publicKey;
          return known !== undefined && publicKey === device.publicKey.publicKey
            ? ok(known)
            : err({ code: 'device-key-differs' });
        });
      });
    },
    async loadDevices(deviceIds) {
      return documentsOf(await database.query(LOAD, [deviceIds]), parseKnownDevice);
    },
    async storeStatuses(updates) {
      await database.query(STORE_STATUSES, [
        updates.map((one) => one.deviceId),
        updates.map((one) => one.status.sequence),
        updates.map((one) => one.status.lastContactAt),
        updates.map((one) => JSON.stringify(one.status.running)),
        updates.map((one) => one.status.state),
        updates.map((one) => one.status.contactHistory?.since ?? null),
        updates.map((one) => one.status.contactHistory?.slots ?? null),
      ]);
    },
    async countStates() {
      const rows = await database.query(COUNT_STATES, [], LONG_ANSWER_MS);
      return new Map(documentsOf(rows, parseStateCount).map(({ state, count }) => [state, count]));
    },
    async listDevices({ after, limit }) {
      const page = 'select document from device_document where device_id > $1 collate "C" order by device_id limit $2';
      return documentsOf(await database.query(page, [after ?? '', limit]), parseDeviceRecord);
    },
  };
}

/** In order of their ids, as every batch: two batches that share devices never wait for each other in a circle. */
const REGISTER = `
insert into device (
  device_id, key_id, public_key, attributes, registered_at, sequence, last_contact_at, running, state, contact_since,
  contact_slots
)
select "deviceId", "publicKey" ->> 'keyId', "publicKey" ->> 'publicKey', attributes, "registeredAt",
  (status ->> 'sequence')::bigint, (status ->> 'lastContactAt')::bigint, status -> 'running', status ->> 'state',
  (status #>> '{contactHistory,since}')::bigint, (status #>> '{contactHistory,slots}')::integer
from jsonb_to_recordset($1::jsonb)
  as d ("deviceId" text, "publicKey" jsonb, attributes jsonb, "registeredAt" bigint, status jsonb)
order by "deviceId" collate "C"
on conflict (device_id) do nothing`;

/** Reads the whole table, which nobody waits for: it is asked once a minute at most. */
const COUNT_STATES = `
select json_build_object('state', state, 'count', count(*)) as document from device group by state`;

const LOAD = `
select json_build_object('record', d.document, 'ledger', (
  select coalesce(json_agg(l.document order by l.position), '[]')
  from ledger_row_document l where l.device_id = d.device_id
)) as document
from device_document d where d.device_id = any ($1)`;

/** Another gateway may have heard the device as well: contacts of both are kept, as `joinedHistory` of the domain joins them. */
const STORE_STATUSES = `
with newest as (
  select distinct on (device_id) *
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::jsonb[], $5::text[], $6::bigint[], $7::integer[])
    as w (device_id, sequence, last_contact_at, running, state, contact_since, contact_slots)
  order by device_id, sequence desc
), locked as (
  select d.device_id from device d join newest n on d.device_id = n.device_id and d.sequence < n.sequence
  order by d.device_id for update of d
)
update device d
set sequence = n.sequence, last_contact_at = n.last_contact_at, running = n.running, state = n.state,
  contact_since = least(d.contact_since, n.contact_since),
  contact_slots = coalesce(n.contact_slots, 0)
    | contact_slots_from(coalesce(d.contact_slots, 0), n.last_contact_at / 21600000 - d.last_contact_at / 21600000)
from newest n join locked l on l.device_id = n.device_id
where d.device_id = n.device_id and d.sequence < n.sequence`;
