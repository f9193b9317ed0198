// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '@outrider/adapters/server/embedded-postgres';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { createFolder } from '@outrider/adapters/shared/files';
import { freePort } from '@outrider/testkit/free-port';
import { loadReleaseSigners, settleTrust } from '../demo/release-keys.ts';
import { type Child, startChild } from '../process/child.ts';
import { readToken } from '../process/server-process.ts';
import type { ReleaseHouse } from '../product/release-house.ts';

/** Several real servers, each a process, on one real PostgreSQL: to be stopped, cut off and killed. */
export interface Servers {
  readonly database: PostgresConnection;
  readonly control: ServerProgram;
  readonly gateways: readonly ServerProgram[];
  /** Its people: they sign releases and say who may. */
  readonly house: ReleaseHouse;
  readonly tokens: { readonly admin: string; readonly registration: string };
  /** kill -9 of PostgreSQL, and its start on the same port; resolves when it runs again. */
  killDatabase(): Promise<void>;
  /** Stops everything and removes what it left on the disk. */
  remove(): Promise<void>;
}

/** A server as a process of its own, on a port that it keeps over its restarts. */
export interface ServerProgram {
  readonly name: string;
  readonly url: string;
  /** Where devices speak mutual TLS; absent unless that was asked for. */
  readonly tlsPort?: number;
  /** The one that runs now. */
  child(): Child;
  /** Sends it a signal; false when it does not run. */
  signal(name: NodeJS.Signals): boolean;
  /** Starts it again after it has ended, and resolves when it is ready. */
  restart(): Promise<void>;
  untilReady(): Promise<void>;
  isReady(): Promise<boolean>;
}

export interface ServersOptions {
  readonly gatewayCount: number;
  /** The program to start; the server's own where nothing is to be broken inside it. */
  readonly program: string;
  /** Where a server finds the database: past it directly, or through a network that can be cut. */
  readonly route?: (name: string, database: PostgresConnection) => Promise<{ readonly port: number }>;
  readonly databaseSettings?: Readonly<Record<string, string | number>>;
  readonly flags?: readonly string[];
  /** Puts into the folder that all servers share what they are to find there at their start. */
  readonly prepare?: (sharedFolder: string) => Promise<void>;
  /** Each server also listens for mutual TLS, at a port of its own; `prepare` makes the CA that this needs. */
  readonly isTls?: boolean;
}

/** The server as it ships, and the one that a proof breaks from inside (see `apps/server/src/breakable`). */
export const SERVER_PROGRAM = fileURLToPath(new URL('../../../server/src/main.ts', import.meta.url));
export const BREAKABLE_PROGRAM = fileURLToPath(new URL('../../../server/src/breakable/main.ts', import.meta.url));

const READY_LIMIT_MS = 120_000;
const READY_POLL_MS = 50;
const PROBE_MS = 3_000;
/** What belongs to each gateway of the database's connections: many of them share one PostgreSQL here. */
const CONNECTIONS_EACH = 6;
const CONNECTIONS_ALL = 200;

/** Starts a control plane, then the gateways. Whatever fails, nothing is left running. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const root = await mkdtemp(join(tmpdir(), 'outrider-servers-'));
  const shared = join(root, 'shared');
  await createFolder(shared);
  await createFolder(join(root, 'keys'));
  const settings = { max_connections: CONNECTIONS_ALL, ...options.databaseSettings };
  let postgres = await startEmbeddedPostgres({ dataFolder: root, log: () => {}, settings });
  const started: ServerProgram[] = [];

  async function remove(): Promise<void> {
    for (const one of started) {
      one.signal('SIGCONT');
      await one.child().stop();
    }
    await postgres.stop();
    process.off('exit', endAll);
    await removeEmbeddedPostgres(root);
    await rm(root, { recursive: true, force: true });
  }

  let killing: Promise<void> | undefined;

  async function killAndStart(): Promise<void> {
    const { port } = postgres.connection;
    process.kill(postgres.pid, 'SIGKILL');
    await postgres.killed;
    postgres = await startAgain({ dataFolder: root, port, settings });
  }

  /** A proof that is broken off leaves nothing behind. */
  function endAll(): void {
    for (const one of started) one.signal('SIGKILL');
    try {
      process.kill(postgres.pid, 'SIGQUIT');
    } catch {
      // It has ended already.
    }
  }
  process.once('exit', endAll);

  try {
    const signers = await loadReleaseSigners(join(root, 'keys'));
    const house = await settleTrust(shared, { signers }, wallClock().now());
    await options.prepare?.(shared);
    const start = async (name: string, role: 'control' | 'gateway') => {
      const one = await startServer({ name, role, root, shared, options, database: postgres.connection });
      started.push(one);
      return one;
    };
    const control = await start('control', 'control');
    await control.untilReady();
    const gateways: ServerProgram[] = [];
    for (let index = 0; index < options.gatewayCount; index++)
      gateways.push(await start(`gateway-${index}`, 'gateway'));
    await Promise.all(gateways.map((one) => one.untilReady()));
    const tokens = {
      admin: await readToken(shared, 'admin-token'),
      registration: await readToken(shared, 'registration-token'),
    };
    return {
      ...{ database: postgres.connection, control, gateways, house, tokens, remove },
      killDatabase() {
        killing ??= killAndStart().finally(() => {
          killing = undefined;
        });
        return killing;
      },
    };
  } catch (cause) {
    await remove();
    throw cause;
  }
}

/** A killed PostgreSQL gives its memory back when its last process has ended. */
async function startAgain(
  options: Omit<Parameters<typeof startEmbeddedPostgres>[0], 'log'>,
): Promise<EmbeddedPostgres> {
  for (let waitedMs = 0; ; waitedMs += READY_POLL_MS) {
    try {
      return await startEmbeddedPostgres({ ...options, log: () => {} });
    } catch (cause) {
      if (waitedMs > READY_LIMIT_MS) throw cause;
      await delay(READY_POLL_MS);
    }
  }
}

async function startServer(wanted: {
  readonly name: string;
  readonly role: 'control' | 'gateway';
  readonly root: string;
  readonly shared: string;
  readonly options: ServersOptions;
  readonly database: PostgresConnection;
}): Promise<ServerProgram> {
  const { name, role, root, shared, options, database } = wanted;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const routed = (await options.route?.(name, database)) ?? database;
  const tls = options.isTls === true ? { tlsPort: await freePort() } : {};
  const urlFile = join(root, `${name}.database`);
  const { user, password } = database;
  const address = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${routed.port}/${database.database}`;
  await writeFile(urlFile, address, { mode: 0o600 });
  const logPath = join(root, `${name}.log`);
  const flags = [
    ...['--data', join(root, name), '--role', role, '--port', String(port)],
    ...['--secrets', shared, '--blobs', join(shared, 'blobs'), '--database-url-file', urlFile],
    ...['--database-connections-max', String(CONNECTIONS_EACH), '--log-level', 'warn'],
    ...(tls.tlsPort === undefined ? [] : ['--tls-port', String(tls.tlsPort)]),
    ...(options.flags ?? []),
  ];
  const launch = () => startChild({ program: options.program, arguments: flags, logPath });
  let child = launch();

  async function isReady(): Promise<boolean> {
    try {
      return (await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(PROBE_MS) })).ok;
    } catch {
      // Nobody listens, or it is frozen: not ready.
      return false;
    }
  }

  async function untilReady(): Promise<void> {
    for (let waitedMs = 0; !(await isReady()); waitedMs += READY_POLL_MS) {
      if (!child.isRunning()) throw new Error(`${name} did not start (${await child.ended}); its log is ${logPath}`);
      if (waitedMs > READY_LIMIT_MS) throw new Error(`${name} is not ready after ${READY_LIMIT_MS} ms`);
      await delay(READY_POLL_MS);
    }
  }

  return {
    ...{ name, url, ...tls, isReady, untilReady },
    child: () => child,
    signal: (one) => child.isRunning() && process.kill(child.pid, one),
    async restart() {
      await child.ended;
      child = launch();
      await untilReady();
    },
  };
}

/** One statement past all servers, as a person with psql makes it. */
export async function runStatement(connection: PostgresConnection, statement: string): Promise<void> {
  const database = openDatabase(connection, { purpose: 'proof', connectionsMax: 1 });
  try {
    await database.query(statement);
  } finally {
    await database.close();
  }
}
