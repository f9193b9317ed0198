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

/** A page of all devices of a type, then the rows of the ledger in the same range of ids: two walks along two indexes. */
export async function loadStandings(
  database: Database,
  rolloutId: RolloutId,
  { deviceType, after, limit }: StandingsPage,
): Promise<readonly DeviceStanding[]> {
  const devices = (await database.query(DEVICES, [deviceType, after ?? '', limit], LONG_ANSWER_MS)).map(deviceOf);
  const last = devices.at(-1)?.deviceId;
  if (last === undefined) return [];
  const rows = await database.query(ROWS, [rolloutId, after ?? '', last], LONG_ANSWER_MS);
  const byDevice = new Map<string, Omit<DeviceStanding, 'device'>>();
  for (const row of rows) {
    const deviceId = textOf(row, 'device_id');
    // Ascending by enrolment: the newest of each kind stays.
    byDevice.set(deviceId, { ...byDevice.get(deviceId), ...partOf(row) });
  }
  return devices.map((device) => ({ device, ...byDevice.get(device.deviceId) }));
}

interface StandingsPage {
  readonly deviceType: string;
  readonly after?: DeviceId;
  readonly limit: number;
}

function partOf(row: Row): Omit<DeviceStanding, 'device'> {
  const at = <const Name extends string>(name: Name, column: string) =>
    row[column] === null ? {} : { [name]: fleetInstant(numberOf(row, column)) };
  const standing: StandingRow = {
    arm: row.arm === 'control' ? 'control' : 'treated',
    grantedAt: fleetInstant(numberOf(row, 'granted_at')),
    ...at('verifiedAt', 'verified_at'),
    ...at('revertedAt', 'reverted_at'),
    ...at('installFailedAt', 'install_failed_at'),
    ...at('crashedAt', 'crashed_at'),
  };
  const detail = row.detail === null ? {} : { detail: textOf(row, 'detail') };
  return row.kind === 'rollback' ? { rollback: standing, ...detail } : { enrolment: standing, ...detail };
}

function deviceOf(row: Row): DeviceRecord {
  return {
    deviceId: wellFormed(asParsed(parseId<DeviceId>('device id', row.device_id))),
    publicKey: {
      keyId: wellFormed(asParsed(parseId<KeyId>('key id', row.key_id))),
      publicKey: textOf(row, 'public_key'),
    },
    attributes: readAttributes(textOf(row, 'attributes')),
    registeredAt: fleetInstant(numberOf(row, 'registered_at')),
    status: {
      sequence: numberOf(row, 'sequence'),
      lastContactAt: fleetInstant(numberOf(row, 'last_contact_at')),
      running: readRunning(textOf(row, 'running')),
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

function readOnce<T>(noun: string, reader: Reader<T>): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const read = wellFormed(parseText(text, { noun, bytesMax: REQUEST_BYTES_MAX, reader }));
    if (known.size === TEXTS_KEPT_MAX) known.clear();
    known.set(text, read);
    return read;
  };
}

/** Some megabytes. */
const TEXTS_KEPT_MAX = 5_000;

/** A fleet says the same of itself a thousand times over: each text is read once. */
const readAttributes = readOnce<DeviceAttributes>('device-attributes', deviceAttributes);
const readRunning = readOnce<RunningSoftware>('running-software', runningSoftware);

const DEVICES = `
select device_id, key_id, public_key, attributes::text as attributes, registered_at, sequence, last_contact_at,
  running::text as running, state
from device where device_id > $2 and attributes ->> 'deviceType' = $1
order by device_id limit $3`;

/** Where it went wrong, with what the device said last about it. */
const ROWS = `
select l.device_id, l.kind, l.arm, o.granted_at, o.verified_at, o.reverted_at, o.install_failed_at, o.crashed_at,
  case when coalesce(o.reverted_at, o.install_failed_at) is not null then (
    select r.report ->> 'detail' from report r
    where r.device_id = l.device_id and r.rollout_id = $1 and r.report ->> 'event' in ('reverted', 'install-failed')
    order by r.sequence desc limit 1
  ) end as detail
from ledger l join ledger_outcome o using (position)
where l.rollout_id = $1 and l.device_id > $2 and l.device_id <= $3
order by l.device_id, l.enrolment`;
