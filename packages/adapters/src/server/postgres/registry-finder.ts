// SPDX-License-Identifier: Apache-2.0
import { COUNTED_DEVICES_MAX, type DeviceFinder, type FoundDevice } from '@outrider/domain/gateway/finder-ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { isAboutProfiles } from '@outrider/domain/gateway/query-match';
import { present } from '@outrider/domain/kernel/assert';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { parseDeviceRecord } from '@outrider/protocol/gateway/device-record';
import type { Database, Row } from './pool.ts';
import { LONG_ANSWER_MS } from './pool.ts';
import { type SqlCondition, sqlConditionOf } from './registry-query.ts';
import { loadStandings } from './registry-standings.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

export function postgresFinder(database: Database): DeviceFinder {
  return {
    async findDevices(query, { after = '', limit, now }) {
      const rows = await database.query(...(await pageOf(database, query, { after, limit, now })), LONG_ANSWER_MS);
      return rows.map(foundDeviceOf);
    },
    async countDevices(query, now) {
      const condition = sqlConditionOf(query, now);
      if (isAboutProfiles(query)) {
        return { devices: (await sizeOf(database, condition)).devices, isExact: true };
      }
      const values = [...condition.values, COUNTED_DEVICES_MAX + 1];
      const statement = countSome(condition.text, values.length);
      const [row] = await database.query(statement, values, LONG_ANSWER_MS);
      const devices = numberOf(present(row, 'one row of a count'), 'devices');
      const isExact = devices <= COUNTED_DEVICES_MAX;
      return { devices: isExact ? devices : COUNTED_DEVICES_MAX, isExact };
    },
    loadStandings: (rolloutId, page) => loadStandings(database, rolloutId, page),
  };
}

interface Page {
  readonly after: string;
  readonly limit: number;
  readonly now: FleetInstant;
}

type Statement = readonly [text: string, values: readonly unknown[]];

/**
 * The way to a page, chosen by counts that are exact instead of left to estimates: a planner that takes a rare combination
 * for a common one walks the whole table. Each way reads a bounded part of an index, or the share that the count predicts.
 */
async function pageOf(database: Database, query: DeviceQuery, { after, limit, now }: Page): Promise<Statement> {
  const condition = sqlConditionOf(query, now, 3);
  const values = [after, limit, ...condition.values];
  if (!isAboutProfiles(query)) return [documentsOfIds(idsByAnything(condition.text)), values];
  if (query.kind === 'all') return [documentsOfIds(IDS_OF_ALL), values];
  const { profiles, devices } = await sizeOf(database, sqlConditionOf(query, now));
  if (devices <= SORTED_DEVICES_MAX) return [documentsOfIds(idsBySorting(condition.text)), values];
  if (profiles * limit <= MERGED_IDS_MAX) return [documentsOfIds(idsByMerging(condition.text)), values];
  return [documentsOfIds(idsByWalking(condition.text)), values];
}

/** So many ids are read from an index and sorted in about 5 ms. */
const SORTED_DEVICES_MAX = 5_000;

/** So many ids are read at most when each profile gives its first few: about 20 ms. */
const MERGED_IDS_MAX = 20_000;

async function sizeOf(database: Database, { text, values }: SqlCondition) {
  const statement = `
select count(*) as profiles, coalesce(sum(p.device_count), 0)::bigint as devices from device_profile p where ${text}`;
  const row = present((await database.query(statement, values))[0], 'one row of a count');
  return { profiles: numberOf(row, 'profiles'), devices: numberOf(row, 'devices') };
}

/** The ids first, as an array: so the documents are looked up by key, whatever the planner thinks of the rest. */
function documentsOfIds(ids: string): string {
  return `
select doc.document, d.attributes_revision from device d join device_document doc using (device_id)
where d.device_id = any (array(${ids})) order by d.device_id`;
}

const IDS_OF_ALL = 'select d.device_id from device d where d.device_id > $1 order by d.device_id limit $2';

/** Few devices: all of them, sorted. */
function idsBySorting(condition: string): string {
  return `
select one.device_id from device_profile p
cross join lateral (select d.device_id from device d where d.profile = p.profile and d.device_id > $1 offset 0) one
where ${condition} order by one.device_id limit $2`;
}

/** Few profiles: the first few ids of each, merged. */
function idsByMerging(condition: string): string {
  return `
select one.device_id from device_profile p
cross join lateral (
  select d.device_id from device d where d.profile = p.profile and d.device_id > $1 order by d.device_id limit $2
) one
where ${condition} order by one.device_id limit $2`;
}

/** Many profiles with many devices: along the ids, since every so manieth is one. The case keeps it from becoming a join. */
function idsByWalking(condition: string): string {
  return `
select d.device_id from device d
where d.device_id > $1 and case when d.profile in (select p.profile from device_profile p where ${condition}) then true end
order by d.device_id limit $2`;
}

function idsByAnything(condition: string): string {
  return `
select d.device_id from device d join device_profile p on p.profile = d.profile
where d.device_id > $1 and ${condition} order by d.device_id limit $2`;
}

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
