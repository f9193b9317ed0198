// SPDX-License-Identifier: Apache-2.0
import { COUNTED_DEVICES_MAX, type DeviceFinder, type FoundDevice } from '@outrider/domain/gateway/finder-ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { isAboutProfiles } from '@outrider/domain/gateway/query-match';
import { present } from '@outrider/domain/kernel/assert';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { AttributeName } from '@outrider/domain/policy/audience';
import { parseDeviceRecord } from '@outrider/protocol/gateway/device-record';
import { label, segmentId, sha256 } from '@outrider/protocol/kernel/values';
import type { Database, Row } from './pool.ts';
import { LONG_ANSWER_MS } from './pool.ts';
import { type SqlCondition, sqlConditionOf } from './registry-query.ts';
import { loadStandings } from './registry-standings.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

export function postgresFinder(database: Database): DeviceFinder {
  return {
    async findDevices(query, { after = '', limit, now }) {
      const ids = await idsOf(database, query, { after, limit, now });
      return (await database.query(DOCUMENTS, [ids])).map(foundDeviceOf);
    },
    async countDevices(query, now) {
      const condition = sqlConditionOf(query, now);
      if (isAboutProfiles(query)) {
        const [row] = await database.query(countByProfiles(condition.text), condition.values);
        return { devices: numberOf(present(row, 'one row of a sum'), 'devices'), isExact: true };
      }
      const values = [...condition.values, COUNTED_DEVICES_MAX + 1];
      const statement = countSome(condition.text, values.length);
      const [row] = await database.query(statement, values, LONG_ANSWER_MS);
      const devices = numberOf(present(row, 'one row of a count'), 'devices');
      const isExact = devices <= COUNTED_DEVICES_MAX;
      return { devices: isExact ? devices : COUNTED_DEVICES_MAX, isExact };
    },
    async countSegments(query, { segmentBy, ringTags }) {
      const { text, values } = sqlConditionOf(query, NO_INSTANT, 2);
      const rows = await database.query(countBySegment(SEGMENT_COLUMNS[segmentBy], text), [ringTags, ...values]);
      return rows.map((row) => ({
        segment: wellFormed(segmentId(row.segment)),
        devices: numberOf(row, 'devices'),
        ringDevices: numberOf(row, 'ring_devices'),
      }));
    },
    async countImages(deviceType) {
      const rows = await database.query(COUNT_IMAGES, [deviceType], LONG_ANSWER_MS);
      return rows.map((row) => ({
        component: wellFormed(label(row.component)),
        digest: wellFormed(sha256(row.digest)),
        devices: numberOf(row, 'devices'),
      }));
    },
    loadStandings: (rolloutId, page) => loadStandings(database, rolloutId, page),
  };
}

interface Page {
  readonly after: string;
  readonly limit: number;
  readonly now: FleetInstant;
}

/**
 * The ids of a page. The way to them is chosen by counts that are exact instead of left to estimates: a planner that takes
 * a rare or clustered combination for a common one walks the whole table.
 */
async function idsOf(database: Database, query: DeviceQuery, { after, limit, now }: Page): Promise<readonly string[]> {
  async function ask(statement: string, more: readonly unknown[]): Promise<readonly string[]> {
    const rows = await database.query(statement, [after, limit, ...more], LONG_ANSWER_MS);
    return rows.map((row) => textOf(row, 'device_id'));
  }

  if (query.kind === 'all') return await ask(IDS_OF_ALL, []);
  if (!isAboutProfiles(query)) {
    const { text, values } = sqlConditionOf(query, now, 3);
    return await ask(idsByAnything(text), values);
  }
  const found = await matchingProfiles(database, sqlConditionOf(query, now, 2), after);
  const { devices, profiles, total, start, keys } = found;
  if (profiles === 0) return [];
  const matching =
    keys === undefined ? profilesBy(sqlConditionOf(query, now, 3)) : { text: PROFILES_BY_KEYS, values: [keys] };
  const isDense = devices * WALKED_IDS_MAX >= WALK_MARGIN * limit * total;
  if (isDense || profiles > MERGED_PROFILES_MAX) {
    const { isMatching, values } = isDense && keys === undefined ? oneByOne() : inSetOf(matching);
    const idsMax = isDense ? WALKED_FAR_IDS_MAX : WALKED_IDS_MAX;
    const walked = await ask(idsByWalking(isMatching, values.length + 3), [...values, start, idsMax]);
    if (walked.length === limit) return walked;
  }
  if (profiles > MERGED_PROFILES_MAX) {
    const ids = await idsOfFirst(matching);
    if (ids !== undefined) return ids;
  }
  return await ask(idsByMerging(matching.text), matching.values);

  /** Nearly every device matches, so a few looks are enough: a set of tens of thousands of profiles is not made for them. */
  function oneByOne() {
    const { text, values } = sqlConditionOf(query, now, 3);
    return { isMatching: `(select ${text} from device_profile p where p.profile = d.profile)`, values };
  }

  /** The case keeps the set of profiles from becoming a join. */
  function inSetOf({ text, values }: SqlCondition) {
    return { isMatching: `case when d.profile in (${text}) then true end`, values };
  }

  /** From the profiles that can begin first; undefined where another may have a smaller id than the last of these. */
  async function idsOfFirst({ text, values }: SqlCondition): Promise<readonly string[] | undefined> {
    const statement = firstProfiles(text, values.length + 3);
    const rows = await database.query(statement, [after, limit, ...values, MERGED_PROFILES_MAX + 1], LONG_ANSWER_MS);
    const next = rows[MERGED_PROFILES_MAX];
    const first = rows.slice(0, MERGED_PROFILES_MAX).map((row) => textOf(row, 'profile'));
    const ids = await ask(idsByMerging(PROFILES_BY_KEYS), [`{${first.join(',')}}`]);
    if (next === undefined) return ids;
    const last = ids.length === limit ? ids.at(-1) : undefined;
    return last !== undefined && last <= textOf(next, 'bound') ? ids : undefined;
  }
}

/** Ids walked along in the hope of a page, with a look at the profile of each: about 5 ms. */
const WALKED_IDS_MAX = 8_000;

/**
 * Where devices are dense by the counts, a walk ends at the first lots that match: it is long only where these are far, and then still
 * cheaper than a look at each of some ten thousand profiles.
 */
const WALKED_FAR_IDS_MAX = 40_000;

/** A walk is begun when so many pages are to be expected in it: ids come in lots, not evenly. */
const WALK_MARGIN = 4;

/** A look into the index for each of so many profiles costs about as much as a walk; of more, those that begin first are asked first. */
const MERGED_PROFILES_MAX = 1_500;

/** Keys of profiles that are handed back to the database, instead of looking for them a second time: 200 kB. */
const KEYS_MAX = 6_000;

/**
 * How many devices the profiles have that match and may have one behind `after`, where the first of these may be, the keys
 * of the profiles if they are few, and about how many devices there are at all.
 */
async function matchingProfiles(database: Database, { text, values }: SqlCondition, after: string) {
  const statement = `
select coalesce(sum(p.device_count), 0)::bigint as devices, count(*) as profiles,
  coalesce(min(greatest(p.first_id, $1::text)), $1::text) as start,
  case when count(*) <= ${KEYS_MAX} then array_agg(p.profile)::text end as keys,
  (select greatest(0, reltuples)::bigint from pg_class where oid = 'device'::regclass) as total
from device_profile p where ${text} and ${REACHES_BEHIND}`;
  const row = present((await database.query(statement, [after, ...values]))[0], 'one row of a sum');
  return {
    devices: numberOf(row, 'devices'),
    profiles: numberOf(row, 'profiles'),
    total: numberOf(row, 'total'),
    start: textOf(row, 'start'),
    ...(row.keys === null ? {} : { keys: textOf(row, 'keys') }),
  };
}

/** Bounds that are not known bound nothing. */
const REACHES_BEHIND = '(p.last_id is null or p.last_id > $1::text)';

const PROFILES_BY_KEYS = 'select unnest($3::uuid[]) as profile';

function profilesBy({ text, values }: SqlCondition): SqlCondition {
  return { text: `select p.profile from device_profile p where ${text} and ${REACHES_BEHIND}`, values };
}

const IDS_OF_ALL = 'select d.device_id from device d where d.device_id > $1 order by d.device_id limit $2';

/**
 * The first id of each profile, one look into an index. A page of n devices comes from the n profiles that begin first, so
 * the others are left out, and the first n ids of each of those are merged.
 */
function idsByMerging(profiles: string): string {
  return `
with head as materialized (
  select p.profile, one.device_id from (${profiles}) p
  cross join lateral (
    select d.device_id from device d where d.profile = p.profile and d.device_id > $1 order by d.device_id limit 1
  ) one
  order by one.device_id limit $2
)
select one.device_id from head
cross join lateral (
  select d.device_id from device d where d.profile = head.profile and d.device_id > $1 order by d.device_id limit $2
) one
order by one.device_id limit $2`;
}

/** The profiles that can begin first, behind $1, and from where on; $2 is the size of the page, as everywhere. */
function firstProfiles(profiles: string, countParameter: number): string {
  return `
select p.profile::text as profile, greatest(coalesce(p.first_id, ''), $1::text) as bound
from device_profile p where $2::bigint > 0 and p.profile in (${profiles}) order by bound limit $${countParameter}`;
}

/** Along the ids from where the first may be, for as long as it is cheap. */
function idsByWalking(isMatching: string, startParameter: number): string {
  return `
select d.device_id from (
  select device_id, profile from device where device_id > $1 and device_id >= $${startParameter}::text
  order by device_id limit $${startParameter + 1}::bigint
) d
where ${isMatching}
order by d.device_id limit $2`;
}

function idsByAnything(condition: string): string {
  return `
select d.device_id from device d join device_profile p on p.profile = d.profile
where d.device_id > $1 and ${condition} order by d.device_id limit $2`;
}

/** By key, whatever the planner thinks. A device that is gone or has changed since is left out or as it is now. */
const DOCUMENTS = `
select doc.document, d.attributes_revision from device d join device_document doc using (device_id)
where d.device_id = any ($1::text[]) order by d.device_id`;

function countByProfiles(condition: string): string {
  return `select coalesce(sum(p.device_count), 0)::bigint as devices from device_profile p where ${condition}`;
}

/** Questions about what devices share name no instant. */
const NO_INSTANT = fleetInstant(0);

const SEGMENT_COLUMNS: Readonly<Record<AttributeName, string>> = {
  model: 'p.model',
  hardwareId: 'p.hardware_id',
  region: 'p.region',
  customer: 'p.customer',
  carrier: 'p.carrier',
};

/** A sum over the profiles: as long for a million devices as for ten thousand that differ as much. */
function countBySegment(column: string, condition: string): string {
  return `
select ${column} as segment, sum(p.device_count)::bigint as devices,
  coalesce(sum(p.device_count) filter (where p.tags && $1::text[]), 0)::bigint as ring_devices
from device_profile p where p.device_count > 0 and ${condition} group by ${column}`;
}

/** Of each profile the first devices by its index, each of which stands for its share of them. */
const COUNT_IMAGES = `
select image ->> 'name' as component, image ->> 'digest' as digest, ceil(sum(share))::bigint as devices
from device_profile p
cross join lateral (
  select running, p.device_count::double precision / count(*) over () as share from (
    select d.running from device d where d.profile = p.profile order by d.device_id limit 4
  ) first
) one
cross join lateral jsonb_array_elements(one.running -> 'components') as image
where p.device_type = $1 and p.device_count > 0
group by 1, 2`;

function countSome(condition: string, limitParameter: number): string {
  return `
select count(*) as devices from (
  select from device d join device_profile p on p.profile = d.profile where ${condition} limit $${limitParameter}
) as counted`;
}

function foundDeviceOf(row: Row): FoundDevice {
  return {
    record: wellFormed(parseDeviceRecord(textOf(row, 'document'))),
    attributesRevision: numberOf(row, 'attributes_revision'),
  };
}
