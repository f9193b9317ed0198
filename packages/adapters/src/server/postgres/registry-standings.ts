// SPDX-License-Identifier: Apache-2.0
import type { AskedDevice, ReportedState, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { DeviceStanding, StandingRow } from '@outrider/domain/gateway/explain-rollout';
import { type DeviceId, parseId, type RolloutId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { deviceAttributes, reportedState, runningSoftware } from '@outrider/protocol/gateway/device-record';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { Reader } from '@outrider/protocol/kernel/reader';
import { type Database, LONG_ANSWER_MS, type Row } from './pool.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

/**
 * A page of all devices of a type, then the rows of the ledger in the same range of ids: two walks along two indexes. A fleet says the
 * same of itself a thousand times over, so of each device come two short keys, and what they stand for is read once.
 */
export async function loadStandings(
  database: Database,
  rolloutId: RolloutId,
  { deviceType, after, limit }: StandingsPage,
): Promise<readonly DeviceStanding[]> {
  const found = await database.query(DEVICES, [deviceType, after ?? '', limit], LONG_ANSWER_MS);
  const last = found.at(-1)?.device_id;
  if (last === undefined) return [];
  const [devices, rows] = await Promise.all([
    readDevices(database, found),
    database.query(ROWS, [rolloutId, after ?? '', last], LONG_ANSWER_MS),
  ]);
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

/** What a device says of itself, and what many say alike. */
interface Told {
  readonly attributes: DeviceAttributes;
  readonly state: ReportedState;
  readonly running: RunningSoftware;
}

/** What keys stand for: a profile for attributes and state, a digest for what runs. They are named by content, so none ever changes. */
const profiles = new Map<string, Pick<Told, 'attributes' | 'state'>>();
const softwares = new Map<string, RunningSoftware>();

async function readDevices(database: Database, rows: readonly Row[]): Promise<readonly AskedDevice[]> {
  for (const cache of [profiles, softwares]) if (cache.size > KEYS_KEPT_MAX) cache.clear();
  const wanted = new Map<string, string>();
  for (const row of rows) {
    const [profile, software] = keysOf(row);
    if (profiles.has(profile) && softwares.has(software)) continue;
    // The first device that has what is new about it.
    const news = `${profiles.has(profile) ? '' : profile} ${softwares.has(software) ? '' : software}`;
    if (!wanted.has(news)) wanted.set(news, textOf(row, 'device_id'));
  }
  await readWhole(database, [...wanted.values()]);
  // One that has told something else since the page was read is taken as it is now.
  const changed = rows.filter((row) => toldBy(row) === undefined).map((row) => textOf(row, 'device_id'));
  const again = await readWhole(database, changed);
  return rows.flatMap((row) => {
    const told = toldBy(row) ?? again.get(textOf(row, 'device_id'));
    return told === undefined ? [] : [deviceOf(row, told)];
  });
}

function keysOf(row: Row): readonly [profile: string, software: string] {
  return [textOf(row, 'profile'), textOf(row, 'software')];
}

function toldBy(row: Row): Told | undefined {
  const [profile, software] = keysOf(row);
  const [shared, running] = [profiles.get(profile), softwares.get(software)];
  return shared === undefined || running === undefined ? undefined : { ...shared, running };
}

async function readWhole(database: Database, deviceIds: readonly string[]): Promise<ReadonlyMap<string, Told>> {
  const found = new Map<string, Told>();
  if (deviceIds.length === 0) return found;
  for (const row of await database.query(WHOLE, [deviceIds], LONG_ANSWER_MS)) {
    const [profile, software] = keysOf(row);
    const attributes = read(textOf(row, 'attributes'), 'device-attributes', deviceAttributes);
    const running = softwares.get(software) ?? read(textOf(row, 'running'), 'running-software', runningSoftware);
    const state = wellFormed(reportedState(row.state));
    profiles.set(profile, { attributes, state });
    softwares.set(software, running);
    found.set(textOf(row, 'device_id'), { attributes, state, running });
  }
  return found;
}

function deviceOf(row: Row, { attributes, state, running }: Told): AskedDevice {
  return {
    deviceId: wellFormed(asParsed(parseId<DeviceId>('device id', row.device_id))),
    attributes,
    status: { lastContactAt: fleetInstant(numberOf(row, 'last_contact_at')), running, state },
  };
}

function read<T>(text: string, noun: string, reader: Reader<T>): T {
  return wellFormed(parseText(text, { noun, bytesMax: REQUEST_BYTES_MAX, reader }));
}

function asParsed<T, E extends { readonly noun: string; readonly seen: string }>(
  parsed: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E },
) {
  if (parsed.ok) return parsed;
  const { noun, seen } = parsed.error;
  return { ok: false, error: { code: 'body-malformed', path: noun, seen, allowed: 'an id' } } as const;
}

/** Profiles, and as many different softwares, that are remembered between pages and sweeps: some ten megabytes. */
const KEYS_KEPT_MAX = 20_000;

/** Of what a device runs only a number goes over the wire, from the hash that PostgreSQL itself joins by. */
const SOFTWARE = 'jsonb_hash_extended(running, 0)::text as software';

const DEVICES = `
select device_id, last_contact_at, profile::text as profile, ${SOFTWARE}
from device where device_id > $2 and attributes ->> 'deviceType' = $1
order by device_id limit $3`;

const WHOLE = `
select device_id, profile::text as profile, ${SOFTWARE}, attributes::text as attributes, running::text as running, state
from device where device_id = any ($1::text[])`;

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
