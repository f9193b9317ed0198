// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, DATABASE_USER, loadPointer } from '@outrider/adapters/server/embedded-postgres/cluster';
import { DATABASE_NAME } from '@outrider/adapters/server/embedded-postgres/owner-session';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { monotonicClock, wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { createFolder, errorCode, readTextIfPresent } from '@outrider/adapters/shared/files';
import { present } from '@outrider/domain/kernel/assert';
import { elapsedMs } from '@outrider/domain/kernel/time';
import { loadReleaseSigners, settleTrust } from '../demo/release-keys.ts';
import { launchServer, readToken } from '../process/server-process.ts';
import type { ReleaseHouse } from '../product/release-house.ts';
import type { ReleaseSigners } from '../product/signed-release.ts';
import { openRawStore, type RawStore } from './raw-store.ts';
import { supervise } from './supervisor.ts';

/** A real server with its own PostgreSQL, below a program that starts it again: to be killed at will. */
export interface Installation {
  readonly url: string;
  readonly dataFolder: string;
  readonly logPath: string;
  readonly signers: ReleaseSigners;
  /** Its people: they sign releases and say who may. */
  readonly house: ReleaseHouse;
  /** A signal to the server itself; false when none runs at this moment. */
  signalServer(name: 'SIGKILL' | 'SIGTERM'): boolean;
  /** kill -9 of PostgreSQL's first process; false when none runs. */
  killPostmaster(): Promise<boolean>;
  /** kill -9 of one process that serves a connection; false when there is none. `choice` is in [0, 1). */
  killBackend(choice: number): Promise<boolean>;
  /** Both tokens, once the first start has made them. */
  tokens(): Promise<{ readonly admin: string; readonly registration: string }>;
  /** Resolves when `isServing` says so, and answers with how long that took. Throws when it never does. */
  untilServing(isServing: () => Promise<boolean>): Promise<number>;
  rawStore(): Promise<RawStore>;
  /** How its database is reached by whoever has stolen its password. */
  databaseAddress(): Promise<PostgresConnection>;
  serverStarts(): number;
  /** Stops everything and removes what it left on the disk. */
  remove(): Promise<void>;
}

/** Past this nothing comes back by itself any more. */
const RECOVERY_LIMIT_MS = 60_000;
const POLL_MS = 20;

/** Makes one in a temporary folder and starts it; it may not serve yet. */
export async function createInstallation(): Promise<Installation> {
  const root = await mkdtemp(join(tmpdir(), 'outrider-proving-'));
  const dataFolder = join(root, 'server');
  const logPath = join(root, 'server.log');
  await createFolder(dataFolder);
  await createFolder(join(root, 'keys'));
  const signers = await loadReleaseSigners(join(root, 'keys'));
  const house = await settleTrust(dataFolder, { signers }, wallClock().now());
  const port = await findFreePort();
  const clock = monotonicClock();
  const server = supervise(() => launchServer({ dataFolder, logPath, port }));

  async function databaseAddress(): Promise<PostgresConnection> {
    const cluster = present(await loadPointer(dataFolder), 'a database that was made');
    const { port: databasePort } = present(await lockOf(cluster), 'a database that runs');
    const { password } = cluster;
    const address = { host: '127.0.0.1', port: databasePort, user: DATABASE_USER, password };
    return { ...address, database: DATABASE_NAME, tls: 'off' };
  }

  async function rawStore(): Promise<RawStore> {
    return openRawStore(await databaseAddress());
  }

  return {
    url: `http://127.0.0.1:${port}`,
    dataFolder,
    logPath,
    signers,
    house,
    signalServer: (name) => server.signal(name),
    async killPostmaster() {
      const cluster = await loadPointer(dataFolder);
      return cluster === undefined ? false : await killLocked(cluster);
    },
    async killBackend(choice) {
      const store = await rawStore();
      try {
        const pids = await store.backendPids();
        const pid = pids[Math.floor(choice * pids.length)];
        return pid === undefined ? false : signal(pid);
      } finally {
        await store.close();
      }
    },
    tokens: async () => ({
      admin: await readToken(dataFolder, 'admin-token'),
      registration: await readToken(dataFolder, 'registration-token'),
    }),
    async untilServing(isServing) {
      const beganAt = clock.now();
      for (;;) {
        if (await isServing()) return elapsedMs(beganAt, clock.now());
        if (elapsedMs(beganAt, clock.now()) > RECOVERY_LIMIT_MS) {
          throw new Error(
            `Nothing served again within ${RECOVERY_LIMIT_MS} ms; the server's log ends with: ${await tailOf(logPath)}`,
          );
        }
        await delay(POLL_MS);
      }
    },
    rawStore,
    databaseAddress,
    serverStarts: server.startCount,
    async remove() {
      const home = (await loadPointer(dataFolder))?.home;
      await server.stop();
      await rm(root, { recursive: true, force: true });
      if (home !== undefined) await rm(home, { recursive: true, force: true });
    },
  };
}

/** The process that a cluster's lock file names, if it is this cluster's PostgreSQL and not one that got its id since. */
async function killLocked(cluster: Cluster): Promise<boolean> {
  const lock = await lockOf(cluster);
  if (lock === undefined) return false;
  const commandLine = await readTextIfPresent(`/proc/${lock.pid}/cmdline`);
  if (commandLine !== undefined && !commandLine.includes(cluster.home)) return false;
  return signal(lock.pid);
}

function signal(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (cause) {
    if (errorCode(cause) === 'ESRCH') return false;
    throw cause;
  }
}

/** `postmaster.pid`: process id in line 1, port in line 4 (PostgreSQL, miscadmin.h). */
async function lockOf({ home }: Cluster): Promise<{ readonly pid: number; readonly port: number } | undefined> {
  const text = await readTextIfPresent(join(home, 'data', 'postmaster.pid'));
  const lines = text?.split('\n') ?? [];
  const [pid, port] = [Number.parseInt(lines[0] ?? '', 10), Number.parseInt(lines[3] ?? '', 10)];
  return pid > 1 && port > 0 ? { pid, port } : undefined;
}

/** The port stays the same over all starts; a moment ago it was free. */
async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('A listening TCP socket has no port');
  return address.port;
}

const TAIL_LINES = 5;

async function tailOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim().split('\n').slice(-TAIL_LINES).join(' | ');
}
