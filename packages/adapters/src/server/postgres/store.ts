// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { bringIn } from './audit-chain.ts';
import { postgresAuditLog } from './audit-log.ts';
import { postgresCatalogue } from './catalogue.ts';
import type { PostgresConnection } from './connection.ts';
import { postgresDdi } from './ddi.ts';
import { postgresDecisionLease } from './decision-lease.ts';
import { postgresDecisions } from './decisions.ts';
import { postgresDeltas } from './deltas.ts';
import { SchemaNewerError } from './errors.ts';
import { postgresExposures } from './exposures.ts';
import { postgresIdentities } from './identities.ts';
import { postgresImporter } from './imports.ts';
import { postgresInstallation } from './installation.ts';
import { postgresLedger } from './ledger.ts';
import { MIGRATIONS, standingOf } from './migrations.ts';
import { postgresPeople } from './people.ts';
import { postgresPolicyLog } from './policy-log.ts';
import { type Database, type OnAnswer, openDatabase } from './pool.ts';
import { postgresRegistry } from './registry.ts';
import { postgresFinder } from './registry-finder.ts';
import { postgresReports } from './reports.ts';
import { loadSchema, type MigrateOptions, migrate } from './schema.ts';

export interface PostgresStoreOptions extends MigrateOptions {
  readonly connection: PostgresConnection;
  readonly connectionsMax?: number;
  /** Another life of the decision lease, in tests alone. */
  readonly leaseMs?: number;
  readonly onAnswer?: OnAnswer;
}

/**
 * Every port of a server's store on one PostgreSQL, brought to this program's schema first. Throws StoreAwayError when the
 * database cannot be reached, SchemaNewerError when a newer program has used it that this one cannot work beside, and
 * SchemaError when it cannot be migrated.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<ServerStore> {
  const { connection, connectionsMax, migrations = MIGRATIONS, leaseMs, onAnswer } = options;
  await migrate(connection, options);
  const known = migrations.length;
  const database = openDatabase(connection, {
    purpose: `schema ${known}`,
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(onAnswer === undefined ? {} : { onAnswer }),
    checkConnection: (query) => refuseNewerSchema(query, known),
  });
  await bringInOrClose(database);
  return {
    registry: postgresRegistry(database),
    finder: postgresFinder(database),
    importer: postgresImporter(database),
    identities: postgresIdentities(database),
    ddi: postgresDdi(database),
    ledger: postgresLedger(database),
    reports: postgresReports(database),
    policyLog: postgresPolicyLog(database),
    exposures: postgresExposures(database),
    catalogue: postgresCatalogue(database),
    deltas: postgresDeltas(database),
    decisions: postgresDecisions(database),
    lease: postgresDecisionLease(database, leaseMs),
    installation: postgresInstallation(database),
    audit: postgresAuditLog(database),
    people: postgresPeople(database),
    connections: database.connections,
    close: () => database.close(),
  };
}

/** What servers from before the audit log changed, also in the meantime, is in it before this one changes anything. */
async function bringInOrClose(database: Database): Promise<void> {
  try {
    await bringIn(database);
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

/** A newer server may have come, and contracted the schema, while the database was away. */
async function refuseNewerSchema(query: Database['query'], known: number): Promise<void> {
  const stored = await loadSchema(query);
  if (standingOf(stored, known) !== 'newer') return;
  throw new StoreAwayError(new SchemaNewerError(stored.version, known), 'schema-newer');
}
