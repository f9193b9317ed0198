// SPDX-License-Identifier: Apache-2.0

import { importNote } from '@outrider/domain/gateway/audit-note';
import {
  type DeviceImport,
  decideImport,
  type ExpectedDevice,
  type ImportedBefore,
} from '@outrider/domain/gateway/device-import';
import type { AttributeChange, DeviceImporter } from '@outrider/domain/gateway/finder-ports';
import { present } from '@outrider/domain/kernel/assert';
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';
import { err } from '@outrider/domain/kernel/result';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { deviceAttributes } from '@outrider/protocol/gateway/device-record';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { appendAudit } from './audit-chain.ts';
import type { Database, Row } from './pool.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

export function postgresImporter(database: Database): DeviceImporter {
  return {
    importDevices(lines, { now, author, request, isDryRun, reach, tagged }) {
      return database.transaction(async (query) => {
        // One import at a time, and no registration while its batch is decided: positions of changes are then in the order
        // of their commits, so that whoever follows them misses none.
        await query('select pg_advisory_xact_lock(782311, 3)');
        // All it does is look up single rows by key, also while the statistics still say that the tables are empty.
        await query(
          'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off',
        );
        const before = await loadBefore(query, lines);
        const seen = new Set<DeviceId>();
        const decided = lines.map((line) => {
          if (seen.has(line.deviceId)) return err({ code: 'device-repeated', detail: REPEATED } as const);
          seen.add(line.deviceId);
          return decideImport(before.get(line.deviceId), line, reach);
        });
        if (isDryRun) return decided;
        await write(query, { lines, before, decided, now, author });
        const by = { at: now, actor: author, ...request, ...(tagged === undefined ? {} : { tagged }) };
        const note = importNote(lines, decided, by);
        if (note !== undefined) await appendAudit(query, [note]);
        return decided;
      });
    },
    async listExpected({ after, limit }) {
      return (await database.query(LIST_EXPECTED, [after ?? '', limit])).map(expectedOf);
    },
    async loadAttributeChanges({ afterPosition, limit }) {
      return (await database.query(LOAD_CHANGES, [afterPosition, limit])).map(changeOf);
    },
    async lastAttributeChange() {
      const [row] = await database.query('select coalesce(max(position), 0) as position from attribute_change');
      return numberOf(present(row, 'one row of a maximum'), 'position');
    },
  };
}

const REPEATED = 'An earlier line of the same batch is about this device; keep one of them';

type Decided = ReturnType<typeof decideImport>;

async function loadBefore(
  query: Database['query'],
  lines: readonly DeviceImport[],
): Promise<ReadonlyMap<DeviceId, ImportedBefore>> {
  const rows = await query(LOAD_BEFORE, [lines.map((one) => one.deviceId)]);
  return new Map(
    rows.map((row): [DeviceId, ImportedBefore] => {
      const held = { attributes: attributesOf(row), attributesRevision: numberOf(row, 'attributes_revision') };
      const key = row.public_key === null ? {} : { publicKey: textOf(row, 'public_key') };
      const before: ImportedBefore =
        row.is_registered === true
          ? { kind: 'registered', ...held, publicKey: textOf(row, 'public_key') }
          : { kind: 'expected', ...held, ...key };
      return [idOf(row), before];
    }),
  );
}

async function write(
  query: Database['query'],
  batch: {
    readonly lines: readonly DeviceImport[];
    readonly before: ReadonlyMap<DeviceId, ImportedBefore>;
    readonly decided: readonly Decided[];
    readonly now: FleetInstant;
    readonly author: string;
  },
): Promise<void> {
  const changed = batch.lines.flatMap((line, index) => {
    const one = batch.decided[index];
    if (one === undefined || !one.ok || one.value.kind === 'unchanged') return [];
    return [
      { ...line, attributesRevision: one.value.attributesRevision, before: batch.before.get(line.deviceId)?.kind },
    ];
  });
  const registered = changed.filter((one) => one.before === 'registered');
  const expected = changed.filter((one) => one.before !== 'registered');
  if (registered.length > 0) await query(UPDATE_REGISTERED, [JSON.stringify(registered), batch.now, batch.author]);
  if (expected.length > 0) await query(STORE_EXPECTED, [JSON.stringify(expected), batch.now]);
}

function expectedOf(row: Row): ExpectedDevice {
  return {
    deviceId: idOf(row),
    attributes: attributesOf(row),
    ...(row.public_key === null ? {} : { publicKey: textOf(row, 'public_key') }),
    attributesRevision: numberOf(row, 'attributes_revision'),
    expectedSince: fleetInstant(numberOf(row, 'expected_since')),
  };
}

function changeOf(row: Row): AttributeChange {
  return { position: numberOf(row, 'position'), deviceId: idOf(row), attributes: attributesOf(row) };
}

function idOf(row: Row): DeviceId {
  const parsed = parseId<DeviceId>('device id', row.device_id);
  return present(parsed.ok ? parsed.value : undefined, 'a stored device id');
}

/** What the registry holds was parsed when it came in, and is again now. */
export function attributesOf(row: Row) {
  const format = { noun: 'device-attributes', bytesMax: REQUEST_BYTES_MAX, reader: deviceAttributes };
  return wellFormed(parseText(textOf(row, 'attributes'), format));
}

/** Registered devices are locked by id, as in every batch; the expected ones are the import's own. */
const LOAD_BEFORE = `
with registered as (
  select device_id, public_key, attributes, attributes_revision from device where device_id = any ($1::text[])
  order by device_id for update
)
select device_id, public_key, attributes, attributes_revision, true as is_registered from registered
union all
select e.device_id, e.public_key, e.attributes, e.attributes_revision, false from expected_device e
where e.device_id = any ($1::text[]) and not exists (select from device d where d.device_id = e.device_id)`;

const UPDATE_REGISTERED = `
with line as (
  select * from jsonb_to_recordset($1::jsonb) as l ("deviceId" text, attributes jsonb, "attributesRevision" bigint)
), updated as (
  update device d set attributes = l.attributes, attributes_revision = l."attributesRevision"
  from line l where d.device_id = l."deviceId"
)
insert into attribute_change (device_id, at, author, attributes_revision, attributes)
select "deviceId", $2, $3, "attributesRevision", attributes from line order by "deviceId" collate "C"`;

const STORE_EXPECTED = `
insert into expected_device as e (device_id, public_key, attributes, attributes_revision, expected_since)
select "deviceId", "publicKey", attributes, "attributesRevision", $2
from jsonb_to_recordset($1::jsonb)
  as l ("deviceId" text, "publicKey" text, attributes jsonb, "attributesRevision" bigint)
order by "deviceId" collate "C"
on conflict (device_id) do update set
  public_key = coalesce(e.public_key, excluded.public_key), attributes = excluded.attributes,
  attributes_revision = excluded.attributes_revision`;

const LIST_EXPECTED = `
select e.device_id, e.public_key, e.attributes, e.attributes_revision, e.expected_since from expected_device e
where e.device_id > $1 and not exists (select from device d where d.device_id = e.device_id)
order by e.device_id limit $2`;

const LOAD_CHANGES = `
select position, device_id, attributes from attribute_change where position > $1 order by position limit $2`;
