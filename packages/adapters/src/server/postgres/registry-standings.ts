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
  const [page] = await database.query(DEVICES, [deviceType, after ?? '', limit], LONG_ANSWER_MS);
  const found = unpacked(page);
  const last = found.at(-1)?.deviceId;
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
  // Mostly a page has no row of the ledger, and nothing is looked up for its devices.
  if (byDevice.size === 0) return devices.map((device) => ({ device }));
  return devices.map((device) => ({ device, ...byDevice.get(device.deviceId) }));
}

/** A device of a page: for what it says, two keys. */
interface Packed {
  readonly deviceId: DeviceId;
  readonly lastContactAt: number;
  readonly profile: string;
  readonly software: string;
}

/** A page is one text of a line for each device: a row of the protocol each would cost more than all that is done with it. */
function unpacked(page: Row | undefined): readonly Packed[] {
  if (page === undefined || page.devices === null) return [];
  return textOf(page, 'devices').split('\n').map(packedIn);
}

function packedIn(line: string): Packed {
  const idEnd = line.indexOf(' ');
  const contactEnd = line.indexOf(' ', idEnd + 1);
  const profileEnd = line.indexOf(' ', contactEnd + 1);
  return {
    deviceId: wellFormed(asParsed(parseId<DeviceId>('device id', line.slice(0, idEnd)))),
    lastContactAt: Number(line.slice(idEnd + 1, contactEnd)),
    profile: line.slice(contactEnd + 1, profileEnd),
    software: line.slice(profileEnd + 1),
  };
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

async function readDevices(database: Database, page: readonly Packed[]): Promise<readonly AskedDevice[]> {
  for (const cache of [profiles, softwares]) forgetOldest(cache);
  const wanted = new Map<string, DeviceId>();
  for (const { profile, software, deviceId } of page) {
    if (profiles.has(profile) && softwares.has(software)) continue;
    // The first device that has what is new about it.
    const news = `${profiles.has(profile) ? '' : profile} ${softwares.has(software) ? '' : software}`;
    if (!wanted.has(news)) wanted.set(news, deviceId);
  }
  await readWhole(database, [...wanted.values()]);
  const devices: AskedDevice[] = [];
  const changed: Packed[] = [];
  for (const one of page) {
    const device = deviceOf(one, profiles.get(one.profile), softwares.get(one.software));
    if (device === undefined) changed.push(one);
    else devices.push(device);
  }
  if (changed.length === 0) return devices;
  // One that has told something else since the page was read is taken as it is now.
  const again = await readWhole(database, [...new Set(changed.map(({ deviceId }) => deviceId))]);
  const anew = changed.flatMap((one) => deviceOf(one, again.get(one.deviceId), again.get(one.deviceId)?.running) ?? []);
  return [...devices, ...anew].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
}

/** Down to half, the oldest first: to begin anew would read most of them again with the very next page. */
function forgetOldest(cache: Map<string, unknown>): void {
  if (cache.size <= KEYS_KEPT_MAX) return;
  for (const key of cache.keys()) {
    if (cache.size <= KEYS_KEPT_MAX / 2) return;
    cache.delete(key);
  }
}

function deviceOf(
  { deviceId, lastContactAt }: Packed,
  told: Pick<Told, 'attributes' | 'state'> | undefined,
  running: RunningSoftware | undefined,
): AskedDevice | undefined {
  if (told === undefined || running === undefined) return undefined;
  const { attributes, state } = told;
  return { deviceId, attributes, status: { lastContactAt: fleetInstant(lastContactAt), running, state } };
}

async function readWhole(database: Database, deviceIds: readonly string[]): Promise<ReadonlyMap<string, Told>> {
  const found = new Map<string, Told>();
  if (deviceIds.length === 0) return found;
  for (const row of await database.query(WHOLE, [deviceIds], LONG_ANSWER_MS)) {
    const [profile, software] = [textOf(row, 'profile'), textOf(row, 'software')];
    const attributes = read(textOf(row, 'attributes'), 'device-attributes', deviceAttributes);
    const running = softwares.get(software) ?? read(textOf(row, 'running'), 'running-software', runningSoftware);
    const state = wellFormed(reportedState(row.state));
    profiles.set(profile, { attributes, state });
    softwares.set(software, running);
    found.set(textOf(row, 'device_id'), { attributes, state, running });
  }
  return found;
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

/** Profiles, and as many different softwares, that are remembered between pages and sweeps: some fifty megabytes. A million devices have fifty thousand. */
const KEYS_KEPT_MAX = 100_000;

/** Of what a device runs only a number goes over the wire, from the hash that PostgreSQL itself joins by. */
const SOFTWARE = 'jsonb_hash_extended(running, 0)';

/**
 * Along the ids, whatever the planner thinks of the type: of a comparison inside JSON it has no statistics and takes one device in two hundred
 * for a match, so it sorted a fleet of nine in ten anew for each page. Of a `case` it believes that half match.
 */
const DEVICES = `
select string_agg(device_id || ' ' || last_contact_at || ' ' || profile || ' ' || ${SOFTWARE}, e'\\n' order by device_id) as devices
from (
  select device_id, last_contact_at, profile, running
  from device where device_id > $2 and case when attributes ->> 'deviceType' = $1 then true else false end
  order by device_id limit $3
) page`;

const WHOLE = `
select device_id, profile::text as profile, ${SOFTWARE}::text as software, attributes::text as attributes, running::text as running,
  state
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
