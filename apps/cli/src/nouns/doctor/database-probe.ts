// SPDX-License-Identifier: Apache-2.0

import { PostgresStartError } from '@outrider/adapters/server/embedded-postgres/errors';
import { inspectEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres/inspect';
import { connectionFromUrl, type PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { probeDatabase } from '@outrider/adapters/server/postgres/database-probe';
import type { DatabasePlace, LookedAt } from './database-checks.ts';

/** Where the database is, and what one look at it tells if it runs. */
export async function probePlace(
  dataFolder: string,
  databaseUrl: string | undefined,
): Promise<{ readonly place: DatabasePlace; readonly lookedAt?: LookedAt }> {
  const place = await placeOf(dataFolder, databaseUrl);
  const connection = connectionOf(place);
  if (connection === undefined) return { place };
  return { place, lookedAt: { connection, seen: await probeDatabase(connection) } };
}

async function placeOf(dataFolder: string, databaseUrl: string | undefined): Promise<DatabasePlace> {
  if (databaseUrl === undefined) return { kind: 'embedded', facts: await inspectEmbeddedPostgres(dataFolder) };
  try {
    return { kind: 'own', connection: connectionFromUrl(databaseUrl) };
  } catch (cause) {
    if (cause instanceof PostgresStartError) return { kind: 'malformed', detail: cause.message };
    throw cause;
  }
}

function connectionOf(place: DatabasePlace): PostgresConnection | undefined {
  if (place.kind === 'own') return place.connection;
  if (place.kind !== 'embedded' || place.facts.kind !== 'found') return undefined;
  const { lock } = place.facts;
  return lock?.isAlive && lock.isPostgres ? lock.connection : undefined;
}
