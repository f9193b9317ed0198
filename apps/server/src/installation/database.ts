// SPDX-License-Identifier: Apache-2.0
import { isRestoreUnfinished } from '@outrider/adapters/server/backup/unfinished-restore';
import { startEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { PostgresStartError } from '@outrider/adapters/server/embedded-postgres/errors';
import { natsNotices } from '@outrider/adapters/server/notices/nats-notices';
import { postgresNotices } from '@outrider/adapters/server/notices/postgres-notices';
import { connectionFromUrl, type PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { DatabaseFaultError } from '@outrider/adapters/server/postgres/database-fault';
import { verifyDatabase } from '@outrider/adapters/server/postgres/database-probe';
import { SchemaError, SchemaNewerError } from '@outrider/adapters/server/postgres/errors';
import type { SchemaLog } from '@outrider/adapters/server/postgres/schema';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { delay } from '@outrider/adapters/shared/delay';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { StartError } from '../exit-codes.ts';
import type { Log } from '../ports.ts';

/** The store of an installation, and the PostgreSQL below it if it is ours. */
export interface Database {
  readonly store: ServerStore;
  /** Through the database itself, or the bus that the settings name. */
  readonly notices: PolicyNotices;
  /** Ends the connections, then the PostgreSQL that was started here. */
  close(): Promise<void>;
}

/** Between attempts to start a PostgreSQL that was killed: its memory and port are free within a second. */
const RESTART_PAUSE_MS = 500;

/** Which database the settings name. */
export interface DatabaseSettings {
  /** A secret; undefined: one is started in the data folder. */
  readonly databaseUrl: string | undefined;
  readonly databaseConnectionsMax: number;
  /** A secret; undefined: notices go through the database. */
  readonly noticesUrl: string | undefined;
  /** See `pool.ts`: for proofs. */
  readonly onAnswer?: (statement: string) => void;
}

/** Opens the database that the settings name, or starts a PostgreSQL in the data folder. Throws StartError. */
export async function openDatabase(settings: DatabaseSettings, dataFolder: string, log: Log): Promise<Database> {
  const { databaseUrl, noticesUrl } = settings;
  const openNotices = (connection: PostgresConnection) =>
    noticesUrl === undefined ? postgresNotices(connection) : natsNotices(noticesUrl);
  const open = async (connection: PostgresConnection): Promise<Database> => {
    const { databaseConnectionsMax: connectionsMax } = settings;
    const watched = settings.onAnswer === undefined ? {} : { onAnswer: settings.onAnswer };
    const store = await openPostgresStore({ connection, connectionsMax, ...watched, log: schemaLog(log) });
    const notices = openNotices(connection);
    return {
      ...{ store, notices },
      async close() {
        await Promise.all([notices.close(), store.close()]);
      },
    };
  };
  try {
    if (databaseUrl === undefined) return await openEmbedded(dataFolder, open, log);
    const connection = connectionFromUrl(databaseUrl);
    await verifyDatabase(connection);
    return await open(connection);
  } catch (cause) {
    if (cause instanceof DatabaseFaultError) throw new StartError(cause.code, cause.message, cause);
    if (cause instanceof PostgresStartError) throw new StartError(cause.code, cause.message, cause);
    if (cause instanceof SchemaNewerError) throw new StartError('schema-newer', cause.message, cause);
    if (cause instanceof SchemaError) throw new StartError(cause.code, cause.message, cause);
    if (cause instanceof StoreAwayError) throw new StartError('database-away', cause.message, cause);
    throw cause;
  }
}

/** A folder that a restore is filling, or was when it was cut, is no installation. Throws StartError: restore-unfinished. */
export async function refuseUnfinishedRestore(dataFolder: string): Promise<void> {
  if (!(await isRestoreUnfinished(dataFolder))) return;
  const detail = `A restore into ${dataFolder} was begun and has not ended: let it end, or run \`outrider restore\` again, which begins anew`;
  throw new StartError('restore-unfinished', detail);
}

function schemaLog(log: Log): SchemaLog {
  return (code, message) => log.info({ stage: 'server', code }, message);
}

async function openEmbedded(
  dataFolder: string,
  open: (connection: PostgresConnection) => Promise<Database>,
  log: Log,
): Promise<Database> {
  const embedded = await superviseEmbedded(dataFolder, log);
  try {
    const database = await open(embedded.connection);
    return {
      ...database,
      async close() {
        await database.close();
        await embedded.stop();
      },
    };
  } catch (cause) {
    await embedded.stop();
    throw cause;
  }
}

/** A PostgreSQL of our own that is started again, on the same port, whenever it was killed. */
async function superviseEmbedded(
  dataFolder: string,
  log: Log,
): Promise<{ readonly connection: PostgresConnection; stop(): Promise<void> }> {
  const start = (port?: number) =>
    startEmbeddedPostgres({
      dataFolder,
      log: (message, fields) => log.info({ stage: 'server', code: 'postgres', ...fields }, message),
      ...(port === undefined ? {} : { port }),
    });
  let current = await start();
  const { connection } = current;
  let isStopping = false;
  let restarting: Promise<void> = Promise.resolve();

  function watch(): void {
    current.killed.then(({ reason }) => {
      if (isStopping) return;
      log.error({ stage: 'server', code: 'postgres-killed', reason }, 'PostgreSQL ended, it is started again');
      restarting = startAgain();
    });
  }

  /** Without a database nothing is given out, and check-ins are still answered: it is tried until it works. */
  async function startAgain(): Promise<void> {
    while (!isStopping) {
      try {
        current = await start(connection.port);
        watch();
        log.info({ stage: 'server', code: 'postgres-started', pid: current.pid }, 'PostgreSQL runs again');
        return;
      } catch (cause) {
        log.error({ stage: 'server', code: 'postgres-did-not-start', err: cause }, 'PostgreSQL did not start again');
        await delay(RESTART_PAUSE_MS);
      }
    }
  }

  log.info({ stage: 'server', code: 'postgres-started', pid: current.pid }, 'PostgreSQL runs');
  watch();
  return {
    connection,
    async stop() {
      isStopping = true;
      await restarting;
      await current.stop();
    },
  };
}
