// SPDX-License-Identifier: Apache-2.0
import type { EmbeddedPostgresFacts } from '@outrider/adapters/server/embedded-postgres/inspect';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { addressOf, type DatabaseFault, fitnessFault } from '@outrider/adapters/server/postgres/database-fault';
import type { DatabaseFacts } from '@outrider/adapters/server/postgres/database-probe';
import { standingOf } from '@outrider/adapters/server/postgres/migrations';
import type { Result } from '@outrider/domain/kernel/result';
import { type Finding, ok, warn, wrong } from './finding.ts';

/** The database that the settings name, or the one of the data folder. */
export type DatabasePlace =
  | { readonly kind: 'own'; readonly connection: PostgresConnection }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'embedded'; readonly facts: EmbeddedPostgresFacts };

export interface LookedAt {
  readonly connection: PostgresConnection;
  readonly seen: Result<DatabaseFacts, DatabaseFault>;
}

/** How many migrations this program knows. */
export interface DatabaseLimits {
  readonly schemaKnown: number;
  /** Connections that a server of these settings takes. */
  readonly connectionsWanted: number;
}

export function databaseChecks(
  place: DatabasePlace,
  lookedAt: LookedAt | undefined,
  limits: DatabaseLimits,
): readonly Finding[] {
  const fault = placeFault(place);
  if (fault !== undefined) return [fault];
  if (lookedAt === undefined) return [ok('database', restingIn(place))];
  const { connection, seen } = lookedAt;
  if (!seen.ok) return [wrong('database', seen.error.detail, mendOf(place))];
  const unfit = fitnessFault(connection, seen.value);
  if (unfit !== undefined) return [wrong('database', unfit.detail, mendOf(place))];
  return [
    ok('database', `PostgreSQL ${seen.value.versionText} at ${addressOf(connection)}`),
    schemaCheck(seen.value, limits),
    clockCheck(seen.value),
    connectionsCheck(seen.value, limits),
    encryptionCheck(connection),
  ];
}

function mendOf(place: DatabasePlace): string {
  return place.kind === 'own'
    ? 'See docs/configuration.md, "A PostgreSQL of your own"'
    : 'Start the server: it mends what it can, and its log says the rest';
}

function placeFault(place: DatabasePlace): Finding | undefined {
  if (place.kind === 'own') return undefined;
  if (place.kind === 'malformed') return wrong('database', place.detail, 'Write the database URL anew');
  const { facts } = place;
  if (facts.kind === 'none') return undefined;
  const restore = 'Restore a backup with `outrider restore`, or begin anew with an empty data folder';
  if (facts.kind === 'damaged') return wrong('database', facts.detail, restore);
  if (facts.kind === 'forbidden') {
    return wrong('database', `It cannot be looked at (${facts.code})`, 'Run this as the owner of the data folder');
  }
  const { home, owner, dataFolder, ownerUid, wantedUid } = facts;
  if (owner === undefined || ownerUid === undefined) {
    return wrong('database', `The database of this data folder, ${home}, is gone`, restore);
  }
  if (wantedUid !== undefined && ownerUid !== wantedUid) {
    const seen = `The database in ${home} belongs to user ${ownerUid}, and PostgreSQL runs as ${wantedUid}`;
    return wrong(
      'database',
      seen,
      `Start the server as the user of its first start, or \`chown -R ${wantedUid}\` ${home}`,
    );
  }
  if (owner === dataFolder) return undefined;
  // A moved folder takes its database along at the next start; a copy is refused then.
  return warn(
    'database',
    `The database ${home} was last used by the data folder ${owner}`,
    `If ${dataFolder} is a copy of it, use the original: two servers would share a database`,
  );
}

function restingIn(place: DatabasePlace): string {
  if (place.kind !== 'embedded' || place.facts.kind !== 'found') return 'None yet; the first start makes one';
  const { lock, home } = place.facts;
  if (lock === undefined) return `Stopped, in ${home}`;
  const found = lock.isAlive ? 'is another program now' : 'has ended';
  return `Killed, in ${home}: process ${lock.pid} ${found}; the next start recovers it`;
}

function schemaCheck({ schema }: DatabaseFacts, { schemaKnown }: DatabaseLimits): Finding {
  if (schema === undefined)
    return wrong('database-schema', 'This user may not read it', 'Use the user that made the tables');
  if (schema.version === 0) return ok('database-schema', 'None yet; the first start makes it');
  const seen = `schema ${schema.version}, this program knows ${schemaKnown}`;
  switch (standingOf(schema, schemaKnown)) {
    case 'same':
      return ok('database-schema', seen);
    case 'older':
      return ok('database-schema', `${seen}; the next start migrates it`);
    case 'newer-compatible':
      return warn('database-schema', seen, 'Update this program too: it works beside the newer one, for an upgrade');
    case 'newer':
      return wrong('database-schema', seen, 'Start the newer program that made it; migrations only go forward');
  }
}

/** Permits and evidence are stamped here, backups and restores there: more is no longer the same moment. */
const CLOCK_OFF_MS = 1_000;
const CLOCK_WRONG_MS = 30_000;

function clockCheck({ clockAheadMs }: DatabaseFacts): Finding {
  const off = Math.abs(clockAheadMs);
  const seen = `${off} ms ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  const mend = 'Let NTP keep the clocks of both machines';
  if (off > CLOCK_WRONG_MS) return wrong('database-clock', seen, mend);
  return off > CLOCK_OFF_MS ? warn('database-clock', seen, mend) : ok('database-clock', seen);
}

function connectionsCheck(facts: DatabaseFacts, { connectionsWanted }: DatabaseLimits): Finding {
  const { connectionsMax, connectionsReserved, connectionsUsed } = facts;
  const left = connectionsMax - connectionsReserved - connectionsUsed;
  const seen = `${left} of ${connectionsMax} left, ${connectionsUsed} in use`;
  const mend = `Raise max_connections, or lower databaseConnectionsMax: this server takes up to ${connectionsWanted}`;
  if (left <= 0) return wrong('database-connections', seen, mend);
  // What this server holds already is in use: all it may still need is the rest.
  return left < connectionsWanted ? warn('database-connections', seen, mend) : ok('database-connections', seen);
}

const LOCAL_HOSTS = /^(localhost|127\.\d+\.\d+\.\d+|::1|\/.*)$/;

function encryptionCheck({ host, tls }: PostgresConnection): Finding {
  if (tls === 'verified') return ok('database-encryption', 'Encrypted, certificate checked');
  if (LOCAL_HOSTS.test(host)) return ok('database-encryption', 'On this machine');
  const mend = 'Write sslmode=verify-full into the database URL';
  if (tls === 'off') return warn('database-encryption', `All goes over the network to ${host} in the clear`, mend);
  return warn('database-encryption', 'Encrypted, the certificate is not looked at', mend);
}
