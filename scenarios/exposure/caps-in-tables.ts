// SPDX-License-Identifier: Apache-2.0
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { type Database, openDatabase } from '@outrider/adapters/server/postgres/pool';
import { numberOf, textOf } from '@outrider/adapters/server/postgres/row';

/** What lies in the tables about one rollout, read past the servers and counted row by row. */
export interface CapsInTables {
  /** One look: how many counters were above their cap, or were not the number of treated rows. */
  look(): Promise<{ readonly overruns: number; readonly miscounts: number; readonly granted: number }>;
  /** Every row of the ledger. */
  rows(): Promise<readonly TreatedRow[]>;
  /** The prefix of the hash order that is open, in [0, 1], and the share that is treated. */
  opened(): Promise<{ readonly threshold: number; readonly pi: number }>;
  close(): Promise<void>;
}

export interface TreatedRow {
  readonly permitId: string;
  readonly deviceId: string;
  readonly isTreated: boolean;
  readonly isRing: boolean;
}

export function capsInTables(connection: PostgresConnection, rolloutId: string): CapsInTables {
  const database: Database = openDatabase(connection, { purpose: 'proof', connectionsMax: 1 });
  return {
    async look() {
      // One statement is one snapshot: counters and rows belong together.
      const rows = await database.query(LOOK, [rolloutId]);
      const count = (what: (granted: number, cap: number, treated: number) => boolean) =>
        rows.filter((row) => what(numberOf(row, 'granted'), numberOf(row, 'cap'), numberOf(row, 'treated'))).length;
      return {
        overruns: count((granted, cap, treated) => granted > cap || treated > cap),
        miscounts: count((granted, _, treated) => granted !== treated),
        granted: Math.max(0, ...rows.map((row) => numberOf(row, 'granted'))),
      };
    },
    async rows() {
      const rows = await database.query(
        'select permit_id, device_id, arm, is_ring from ledger where rollout_id = $1 order by position',
        [rolloutId],
      );
      return rows.map((row) => ({
        permitId: textOf(row, 'permit_id'),
        deviceId: textOf(row, 'device_id'),
        isTreated: row.arm === 'treated',
        isRing: row.is_ring === true,
      }));
    },
    async opened() {
      const [row = {}] = await database.query(OPENED, [rolloutId]);
      return { threshold: numberOf(row, 'threshold'), pi: numberOf(row, 'pi') };
    },
    close: () => database.close(),
  };
}

const LOOK = `
with treated as (
  select segment, count(*) as treated from ledger
  where rollout_id = $1 and kind = 'enrolment' and arm = 'treated' group by segment
)
select cap, granted, (select coalesce(sum(treated), 0)::bigint from treated) as treated from exposure where rollout_id = $1
union all
select s.cap, s.granted, coalesce(t.treated, 0)::bigint from exposure_segment s left join treated t using (segment)
where s.rollout_id = $1`;

const OPENED = `
select e.pi, least(1, e.downloads_allowed::float8 / sum(s.population)::float8) as threshold
from exposure e join exposure_segment s using (rollout_id) where e.rollout_id = $1 group by e.pi, e.downloads_allowed`;
