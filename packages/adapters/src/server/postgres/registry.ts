// SPDX-License-Identifier: Apache-2.0
import {
  type AdmissionWorld,
  admitRegistrations,
  BY_THE_FLEET,
  type RegistrationsHeld,
} from '@outrider/domain/gateway/admit-registration';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import { err, ok } from '@outrider/domain/kernel/result';
import { parseStateCount } from '@outrider/protocol/decision/overview';
import { parseDeviceRecord, parseKnownDevice } from '@outrider/protocol/gateway/device-record';
import { deviceId, keyId } from '@outrider/protocol/kernel/values';
import { loadExpected, takeExpected } from './expected-devices.ts';
import { lockTokens, storeUses } from './identities.ts';
import { type Database, LONG_ANSWER_MS } from './pool.ts';
import { documentsOf, wellFormed } from './row.ts';

export function postgresRegistry(database: Database): Registry {
  return {
    register: (devices, world = BY_THE_FLEET) => database.transaction((query) => registerIn(query, devices, world)),
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
    async storeContacts({ deviceIds, sequences, lastContactsAt, since, slots }) {
      // Array literals as PostgreSQL reads them, written here: the driver looks at every element. Ids need no escape.
      const values = [`{"${deviceIds.join('","')}"}`, ...[sequences, lastContactsAt, since, slots].map(literalOf)];
      await database.query(STORE_CONTACTS, values);
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

/** Registers devices inside a transaction of more, as `Registry.register` says. */
export async function registerIn(
  query: Database['query'],
  devices: readonly DeviceRecord[],
  world: AdmissionWorld,
): ReturnType<Registry['register']> {
  const admitted = admitRegistrations(devices, await loadHeld(query, devices, world), world);
  const effects = admitted.flatMap((one) => (one.ok && one.value.kind !== 'known' ? [one.value] : []));
  const added = effects.flatMap((one) => (one.kind === 'new' ? [one.record] : []));
  const newKeys = effects.flatMap((one) => (one.kind === 'new-key' ? [one.record] : []));
  const inserted = added.length === 0 ? [] : await query(REGISTER, [JSON.stringify(added)]);
  const isIn = new Set(inserted.map((row) => wellFormed(deviceId(row.device_id))));
  if (newKeys.length > 0) await query(GIVE_NEW_KEYS, [JSON.stringify(newKeys)]);
  await takeExpected(query, devices);
  await storeUses(
    query,
    effects.flatMap((one) => one.token ?? []),
  );
  return admitted.map((one) => {
    if (!one.ok) return one;
    const { kind, record } = one.value;
    // A server of a former version, which does not take turns with us, was faster.
    return kind === 'new' && !isIn.has(record.deviceId) ? err({ code: 'device-key-differs' }) : ok(record);
  });
}

/** One batch of registrations at a time, in the whole installation: none may give a device or a key away twice. */
async function loadHeld(
  query: Database['query'],
  devices: readonly DeviceRecord[],
  world: AdmissionWorld,
): Promise<RegistrationsHeld> {
  await query('select pg_advisory_xact_lock(782311, 4)');
  const deviceIds = devices.map((one) => one.deviceId);
  const expected = await loadExpected(query, deviceIds);
  const digests = world.admissions.flatMap((one) => (one.kind === 'token' ? [one.digest] : []));
  const tokens = await lockTokens(query, digests);
  const rows = await query('select document from device_document where device_id = any ($1)', [deviceIds]);
  const holders = await query(LOAD_KEY_HOLDERS, [devices.map((one) => one.publicKey.keyId)]);
  return {
    devices: new Map(documentsOf(rows, parseDeviceRecord).map((one) => [one.deviceId, one])),
    expected,
    tokens,
    keyHolders: new Map(holders.map((row) => [wellFormed(keyId(row.key_id)), wellFormed(deviceId(row.device_id))])),
  };
}

const LOAD_KEY_HOLDERS = 'select key_id, device_id from device where key_id = any ($1::text[])';

const GIVE_NEW_KEYS = `
update device d set key_id = n."publicKey" ->> 'keyId', public_key = n."publicKey" ->> 'publicKey'
from jsonb_to_recordset($1::jsonb) as n ("deviceId" text, "publicKey" jsonb) where d.device_id = n."deviceId"`;

function literalOf(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
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
on conflict (device_id) do nothing
returning device_id`;

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

/** As STORE_STATUSES, without what has not changed: no document is written, and the counts by profile are not touched. */
const STORE_CONTACTS = `
with newest as (
  select distinct on (device_id) *
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[])
    as w (device_id, sequence, last_contact_at, contact_since, contact_slots)
  order by device_id, sequence desc
), locked as (
  select d.device_id from device d join newest n on d.device_id = n.device_id and d.sequence < n.sequence
  order by d.device_id for update of d
)
update device d
set sequence = n.sequence, last_contact_at = n.last_contact_at,
  contact_since = least(d.contact_since, n.contact_since),
  contact_slots = coalesce(n.contact_slots, 0)
    | contact_slots_from(coalesce(d.contact_slots, 0), n.last_contact_at / 21600000 - d.last_contact_at / 21600000)
from newest n join locked l on l.device_id = n.device_id
where d.device_id = n.device_id and d.sequence < n.sequence`;
