// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { postgresCatalogue } from './catalogue.ts';
import type { PostgresConnection } from './connection.ts';
import { postgresDecisions } from './decisions.ts';
import { postgresDeltas } from './deltas.ts';
import { postgresExposures } from './exposures.ts';
import { postgresInstallation } from './installation.ts';
import { postgresLedger } from './ledger.ts';
import { postgresPolicyLog } from './policy-log.ts';
import { openDatabase } from './pool.ts';
import { postgresRegistry } from './registry.ts';
import { postgresReports } from './reports.ts';
import { migrate } from './schema.ts';

/**
 * Every port of a server's store on one PostgreSQL, brought to this program's schema first. Throws StoreAwayError when the
 * database cannot be reached, SchemaNewerError when a newer program has used it.
 */
export async function openPostgresStore(options: {
  readonly connection: PostgresConnection;
  readonly connectionsMax?: number;
}): Promise<ServerStore> {
  const database = openDatabase(options.connection, options.connectionsMax);
  try {
    await migrate(database);
  } catch (cause) {
    await database.close();
    throw cause;
  }
  return {
    registry: postgresRegistry(database),
    ledger: postgresLedger(database),
    reports: postgresReports(database),
    policyLog: postgresPolicyLog(database),
    exposures: postgresExposures(database),
    catalogue: postgresCatalogue(database),
    deltas: postgresDeltas(database),
    decisions: postgresDecisions(database),
    installation: postgresInstallation(database),
    close: () => database.close(),
  };
}
