// SPDX-License-Identifier: Apache-2.0
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { type Database, openDatabase, type Row } from '@outrider/adapters/server/postgres/pool';
import { numberOf, sha256Of, textOf, wellFormed } from '@outrider/adapters/server/postgres/row';
import type { StoredDecision } from '@outrider/domain/decision/decision';
import type { DeviceId, KeyId, PermitId, ReleaseId, Revision, RolloutId } from '@outrider/domain/kernel/ids';
import type { AuditHead, AuditRow } from '@outrider/domain/trust/audit';
import { parseDecision, parseDecisionInput } from '@outrider/protocol/decision/decision';
import { reportKeyOf } from './acknowledged.ts';

/** What lies in the tables, read by statements of our own: nothing of the server's reading or counting is believed. */
export interface RawFacts {
  readonly permitIds: ReadonlySet<PermitId>;
  readonly reportKeys: ReadonlySet<string>;
  readonly entries: readonly RawEntry[];
  readonly keyIds: ReadonlyMap<DeviceId, KeyId>;
  readonly releases: ReadonlyMap<ReleaseId, 'published' | 'withdrawn'>;
  /** The audit log, row by row, and the end that is stored beside it. */
  readonly audit: readonly AuditRow[];
  readonly auditHead: AuditHead;
  readonly exposures: readonly RawExposure[];
  /** Enrolments of the treated arm, counted row by row. */
  readonly treated: readonly { readonly rolloutId: RolloutId; readonly segment: string; readonly count: number }[];
}

export interface RawEntry {
  readonly revision: Revision;
  readonly at: number;
  readonly author: string;
  readonly reason: string;
}

/** Caps and counters as stored: those of the rollout, and of each segment. */
export interface RawExposure {
  readonly rolloutId: RolloutId;
  /** Absent: the whole rollout. */
  readonly segment?: string;
  readonly cap: number;
  readonly granted: number;
}

/** One connection of our own to the database of an installation. */
export interface RawStore {
  facts(): Promise<RawFacts>;
  decisions(rolloutId: RolloutId): Promise<readonly StoredDecision[]>;
  /** Rows of the ledger after a position: what came into being since. */
  newestPosition(): Promise<number>;
  /** Enrolments of the treated arm after `position`, in one region or everywhere. */
  countGranted(where: { readonly position: number; readonly region?: string }): Promise<number>;
  /** Processes of PostgreSQL that serve the server's connections. */
  backendPids(): Promise<readonly number[]>;
  /** Settings that decide whether what is committed survives. */
  durability(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

export function openRawStore(connection: PostgresConnection): RawStore {
  const database = openDatabase(connection, { purpose: 'proof', connectionsMax: 1 });
  return {
    facts: () => loadFacts(database),
    async decisions(rolloutId) {
      const rows = await database.query(DECISIONS, [rolloutId]);
      return rows.map((row) => ({
        input: wellFormed(parseDecisionInput(textOf(row, 'input'))),
        decision: wellFormed(parseDecision(textOf(row, 'decision'))),
      }));
    },
    newestPosition: async () => oneNumber(await database.query(NEWEST)),
    countGranted: async ({ position, region }) => oneNumber(await database.query(GRANTED, [position, region ?? null])),
    async backendPids() {
      return (await database.query(BACKENDS)).map((row) => numberOf(row, 'pid'));
    },
    async durability() {
      const rows = await database.query(DURABILITY);
      return Object.fromEntries(rows.map((row) => [textOf(row, 'name'), textOf(row, 'setting')]));
    },
    close: () => database.close(),
  };
}

async function loadFacts({ query }: Database): Promise<RawFacts> {
  const entries = await query(ENTRIES);
  const permits = await query('select permit_id from ledger');
  const reports = await query('select device_id, sequence from report');
  const devices = await query('select device_id, key_id from device');
  const releases = await query('select release_id, withdrawn_at is not null as is_withdrawn from release');
  const audit = await query('select sequence, entry, digest from audit_log order by sequence');
  const [auditHead = {}] = await query('select sequence, digest from audit_head');
  const exposures = await query(EXPOSURES);
  const treated = await query(TREATED);
  // Ids were parsed when they came in; here they are only compared.
  return {
    permitIds: new Set(permits.map((row) => textOf(row, 'permit_id') as PermitId)),
    reportKeys: new Set(
      reports.map((row) =>
        reportKeyOf({ deviceId: textOf(row, 'device_id') as DeviceId, sequence: numberOf(row, 'sequence') }),
      ),
    ),
    entries: entries.map((row) => ({
      revision: numberOf(row, 'revision') as Revision,
      at: numberOf(row, 'at'),
      author: textOf(row, 'author'),
      reason: textOf(row, 'reason'),
    })),
    keyIds: new Map(devices.map((row) => [textOf(row, 'device_id') as DeviceId, textOf(row, 'key_id') as KeyId])),
    releases: new Map(
      releases.map((row) => [
        textOf(row, 'release_id') as ReleaseId,
        row.is_withdrawn === true ? 'withdrawn' : 'published',
      ]),
    ),
    audit: audit.map((row) => ({
      sequence: numberOf(row, 'sequence'),
      text: textOf(row, 'entry'),
      digest: sha256Of(row, 'digest'),
    })),
    auditHead: { sequence: numberOf(auditHead, 'sequence'), digest: sha256Of(auditHead, 'digest') },
    exposures: exposures.map((row) => ({
      rolloutId: textOf(row, 'rollout_id') as RolloutId,
      ...(row.segment === null ? {} : { segment: textOf(row, 'segment') }),
      cap: numberOf(row, 'cap'),
      granted: numberOf(row, 'granted'),
    })),
    treated: treated.map((row) => ({
      rolloutId: textOf(row, 'rollout_id') as RolloutId,
      segment: textOf(row, 'segment'),
      count: numberOf(row, 'count'),
    })),
  };
}

function oneNumber(rows: readonly Row[]): number {
  return rows[0] === undefined ? 0 : numberOf(rows[0], 'value');
}

const ENTRIES = `
select revision, at, author, coalesce(change ->> 'reason', '') as reason from policy_log order by revision`;

const EXPOSURES = `
select rollout_id, null as segment, cap, granted from exposure
union all select rollout_id, segment, cap, granted from exposure_segment`;

const TREATED = `
select rollout_id, segment, count(*) as count from ledger where kind = 'enrolment' and arm = 'treated'
group by rollout_id, segment`;

const DECISIONS = `select input, decision from decision where rollout_id = $1 order by position`;

const NEWEST = 'select coalesce(max(position), 0) as value from ledger';

const GRANTED = `
select count(*) as value from ledger
where position > $1 and ($2::text is null or region = $2) and kind = 'enrolment' and arm = 'treated'`;

const BACKENDS = `select pid::bigint from pg_stat_activity where application_name like 'outrider schema %' and pid <> pg_backend_pid()`;

const DURABILITY = `
select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`;
