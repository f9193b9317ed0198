// SPDX-License-Identifier: Apache-2.0
import type { DeviceRecord, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { DeviceStanding, StandingRow } from '@outrider/domain/gateway/explain-rollout';
import { type DeviceId, type KeyId, parseId, type RolloutId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { deviceAttributes, reportedState, runningSoftware } from '@outrider/protocol/gateway/device-record';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { Reader } from '@outrider/protocol/kernel/reader';
import { type Database, LONG_ANSWER_MS, type Row } from './pool.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

/** A page of all devices of a type with what came of their newest rows: two indexes walked side by side. */
export async function loadStandings(
  database: Database,
  rolloutId: RolloutId,
  page: { readonly deviceType: string; readonly after?: DeviceId; readonly limit: number },
): Promise<readonly DeviceStanding[]> {
  const values = [rolloutId, page.deviceType, page.after ?? '', page.limit];
  const rows = await database.query(STANDINGS, values, LONG_ANSWER_MS);
  // Devices of one page share most of these texts: each is read once.
  const [attributes, running] = [
    readOnce<DeviceAttributes>('device-attributes', deviceAttributes),
    readOnce<RunningSoftware>('running-software', runningSoftware),
  ];
  return rows.map((row) => ({
    device: deviceOf(row, attributes, running),
    ...rowOf('enrolment', row, ''),
    ...rowOf('rollback', row, 'back_'),
    ...(row.detail === null ? {} : { detail: textOf(row, 'detail') }),
  }));
}

function deviceOf(
  row: Row,
  attributes: (text: string) => DeviceAttributes,
  running: (text: string) => RunningSoftware,
): DeviceRecord {
  return {
    deviceId: wellFormed(asParsed(parseId<DeviceId>('device id', row.device_id))),
    publicKey: {
      keyId: wellFormed(asParsed(parseId<KeyId>('key id', row.key_id))),
      publicKey: textOf(row, 'public_key'),
    },
    attributes: attributes(textOf(row, 'attributes')),
    registeredAt: fleetInstant(numberOf(row, 'registered_at')),
    status: {
      sequence: numberOf(row, 'sequence'),
      lastContactAt: fleetInstant(numberOf(row, 'last_contact_at')),
      running: running(textOf(row, 'running')),
      state: wellFormed(reportedState(row.state)),
    },
  };
}

function asParsed<T, E extends { readonly noun: string; readonly seen: string }>(
  parsed: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E },
) {
  if (parsed.ok) return parsed;
  const { noun, seen } = parsed.error;
  return { ok: false, error: { code: 'body-malformed', path: noun, seen, allowed: 'an id' } } as const;
}

function rowOf<const Name extends string>(
  name: Name,
  row: Row,
  prefix: string,
): { readonly [K in Name]?: StandingRow } {
  if (row[`${prefix}granted_at`] === null) return {};
  const at = <const Field extends string>(field: Field, column: string) =>
    row[`${prefix}${column}`] === null ? {} : { [field]: fleetInstant(numberOf(row, `${prefix}${column}`)) };
  const standing: StandingRow = {
    arm: row[`${prefix}arm`] === 'control' ? 'control' : 'treated',
    grantedAt: fleetInstant(numberOf(row, `${prefix}granted_at`)),
    ...at('verifiedAt', 'verified_at'),
    ...at('revertedAt', 'reverted_at'),
    ...at('installFailedAt', 'install_failed_at'),
    ...at('crashedAt', 'crashed_at'),
  };
  // A computed key widens to an index signature; it is the one of the return type.
  return { [name]: standing } as { readonly [K in Name]?: StandingRow };
}

function readOnce<T>(noun: string, reader: Reader<T>): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const read = wellFormed(parseText(text, { noun, bytesMax: REQUEST_BYTES_MAX, reader }));
    known.set(text, read);
    return read;
  };
}

/** The page of devices first; of each then its rows by the key of the ledger, and a report where it went wrong. */
const STANDINGS = `
with page as materialized (
  select device_id from device
  where device_id > $3 and attributes ->> 'deviceType' = $2
  order by device_id limit $4
)
select d.device_id, d.key_id, d.public_key, d.attributes::text as attributes, d.registered_at, d.sequence, d.last_contact_at,
  d.running::text as running, d.state,
  e.arm, e.granted_at, e.verified_at, e.reverted_at, e.install_failed_at, e.crashed_at,
  b.arm as back_arm, b.granted_at as back_granted_at, b.verified_at as back_verified_at, b.reverted_at as back_reverted_at,
  b.install_failed_at as back_install_failed_at, b.crashed_at as back_crashed_at,
  case when coalesce(e.reverted_at, e.install_failed_at, b.reverted_at, b.install_failed_at) is not null then (
    select r.report ->> 'detail' from report r
    where r.device_id = d.device_id and r.rollout_id = $1 and r.report ->> 'event' in ('reverted', 'install-failed')
    order by r.sequence desc limit 1
  ) end as detail
from page join device d using (device_id)
left join lateral (
  select l.arm, o.granted_at, o.verified_at, o.reverted_at, o.install_failed_at, o.crashed_at
  from ledger l join ledger_outcome o using (position)
  where l.device_id = d.device_id and l.rollout_id = $1 and l.kind = 'enrolment' order by l.enrolment desc limit 1
) e on true
left join lateral (
  select l.arm, o.granted_at, o.verified_at, o.reverted_at, o.install_failed_at, o.crashed_at
  from ledger l join ledger_outcome o using (position)
  where l.device_id = d.device_id and l.rollout_id = $1 and l.kind = 'rollback' order by l.enrolment desc limit 1
) b on true
order by d.device_id`;
