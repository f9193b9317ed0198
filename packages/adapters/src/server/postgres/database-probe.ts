// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { Client } from 'pg';
import { wallClock } from '../../shared/clock.ts';
import { type PostgresConnection, tlsOf } from './connection.ts';
import {
  connectionFault,
  type DatabaseFault,
  DatabaseFaultError,
  type DatabaseFitness,
  fitnessFault,
} from './database-fault.ts';
import type { StoredSchema } from './migrations.ts';
import { loadSchema } from './schema.ts';

/** What one look at a database tells. Nothing in it is changed. */
export interface DatabaseFacts extends DatabaseFitness {
  /** For people, for example `15.14 (Debian 15.14-0+deb12u1)`. */
  readonly versionText: string;
  readonly isEncrypted: boolean;
  /** Version 0: Outrider has not used this database yet; undefined: this user may not read it. */
  readonly schema: StoredSchema | undefined;
  /** The database's clock less ours, half the round trip taken off; negative: it is behind. */
  readonly clockAheadMs: number;
  readonly connectionsMax: number;
  readonly connectionsUsed: number;
  /** Connections that only an administrator may take. */
  readonly connectionsReserved: number;
}

/** Opens one connection, looks, and closes it. What is unforeseen is thrown. */
export async function probeDatabase(connection: PostgresConnection): Promise<Result<DatabaseFacts, DatabaseFault>> {
  const { tls: _, tlsRootFile: __, ...address } = connection;
  let client: Client | undefined;
  try {
    client = new Client({
      ...address,
      ssl: tlsOf(connection),
      application_name: 'outrider probe',
      connectionTimeoutMillis: PROBE_MS,
      query_timeout: PROBE_MS,
    });
    // A connection that breaks between two looks would otherwise end the process; the next look says it.
    client.on('error', () => {});
    await client.connect();
    return ok(await look(client));
  } catch (cause) {
    const fault = connectionFault(connection, cause);
    if (fault === undefined) throw cause;
    return err(fault);
  } finally {
    await client?.end().catch(() => {});
  }
}

/** Makes sure that a server can work with this database. Throws DatabaseFaultError. */
export async function verifyDatabase(connection: PostgresConnection): Promise<void> {
  const facts = await probeDatabase(connection);
  const fault = facts.ok ? fitnessFault(connection, facts.value) : facts.error;
  if (fault !== undefined) throw new DatabaseFaultError(fault);
}

/** A person waits; a database that needs longer for one row is away. */
const PROBE_MS = 5_000;

/** All of it can be read by any user. */
const LOOK = `
  select current_setting('server_version_num')::integer as version_number,
    current_setting('server_version') as version_text,
    pg_is_in_recovery() as is_standby,
    current_setting('transaction_read_only')::boolean as is_read_only,
    coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted,
    coalesce(has_table_privilege(to_regclass('schema_migration'), 'select'), true) as may_read_schema,
    (extract(epoch from clock_timestamp()) * 1000)::float8 as clock_ms,
    current_setting('max_connections')::integer as connections_max,
    current_setting('superuser_reserved_connections')::integer as connections_reserved,
    (select count(*) from pg_stat_activity where backend_type = 'client backend')::integer as connections_used
`;

interface LookRow {
  readonly version_number: number;
  readonly version_text: string;
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
  readonly may_create: boolean;
  readonly is_encrypted: boolean;
  readonly may_read_schema: boolean;
  readonly clock_ms: number;
  readonly connections_max: number;
  readonly connections_reserved: number;
  readonly connections_used: number;
}

async function look(client: Client): Promise<DatabaseFacts> {
  const clock = wallClock();
  const askedAt = clock.now();
  const { rows } = await client.query<LookRow>(LOOK);
  const answeredAt = clock.now();
  const [row] = rows;
  if (row === undefined) throw new Error('PostgreSQL answered a select without from with no row');
  const halfWay = askedAt + (answeredAt - askedAt) / 2;
  return {
    versionNumber: row.version_number,
    versionText: row.version_text,
    isStandby: row.is_standby,
    isReadOnly: row.is_read_only,
    // Tables that another user made are of no use to this one.
    mayCreateTables: row.may_create && row.may_read_schema,
    isEncrypted: row.is_encrypted,
    schema: row.may_read_schema ? await loadSchema(async (text) => (await client.query(text)).rows) : undefined,
    clockAheadMs: Math.round(row.clock_ms - halfWay),
    connectionsMax: row.connections_max,
    connectionsReserved: row.connections_reserved,
    connectionsUsed: row.connections_used,
  };
}
