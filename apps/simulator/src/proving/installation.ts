// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { delay } from '@outrider/adapters/shared/delay';
import { createFolder } from '@outrider/adapters/shared/files';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { httpManagement, type Management } from '../demo/management.ts';
import { loadReleaseSigners, storeReleaseRole } from '../demo/release-keys.ts';
import { type ServerProcess, startServer } from '../process/server-process.ts';
import type { ReleaseSigners } from '../product/signed-release.ts';

/** A real server with its own PostgreSQL, to be killed and started again. */
export interface Installation {
  readonly url: string;
  readonly registrationToken: string;
  readonly management: Management;
  readonly signers: ReleaseSigners;
  killServer(): void;
  killDatabase(): void;
  /** Starts the server again on the same data and port if it was killed, and waits until it answers from its database. */
  recover(): Promise<void>;
  /** Stops everything and removes what it left on the disk. */
  remove(): Promise<void>;
}

/** Recovery of PostgreSQL and a server on a small machine takes a second or two. */
const RECOVERY_LIMIT_MS = 60_000;
const POLL_MS = 50;

/** Makes one in a temporary folder and starts it. */
export async function createInstallation(): Promise<Installation> {
  const root = await mkdtemp(join(tmpdir(), 'outrider-proving-'));
  const dataFolder = join(root, 'server');
  const logPath = join(root, 'server.log');
  await createFolder(dataFolder);
  await createFolder(join(root, 'keys'));
  const signers = await loadReleaseSigners(join(root, 'keys'));
  await storeReleaseRole(join(dataFolder, 'release-role.json'), signers);
  let server: ServerProcess = await startServer({ dataFolder, logPath, port: 0 });
  const { url, registrationToken } = server;
  const port = Number(new URL(url).port);
  const management = httpManagement(url, server.adminToken);
  const clusterHome = await homeOf(dataFolder);
  let databasePid = await postmasterOf(clusterHome);
  let isServerKilled = false;

  return {
    url,
    registrationToken,
    management,
    signers,
    killServer() {
      isServerKilled = true;
      void server.child.kill();
    },
    killDatabase: () => process.kill(databasePid, 'SIGKILL'),
    async recover() {
      if (isServerKilled) {
        await server.child.kill();
        server = await startServer({ dataFolder, logPath, port });
        isServerKilled = false;
      }
      await untilAnswering(url, management);
      databasePid = await postmasterOf(clusterHome);
    },
    async remove() {
      await server.child.stop();
      await rm(root, { recursive: true, force: true });
      await rm(clusterHome, { recursive: true, force: true });
    },
  };
}

/** Ready, and the database answers: a page of the ledger comes from it and from nowhere else. */
async function untilAnswering(url: string, management: Management): Promise<void> {
  for (let waitedMs = 0; waitedMs < RECOVERY_LIMIT_MS; waitedMs += POLL_MS) {
    if (await isAnswering(url, management)) return;
    await delay(POLL_MS);
  }
  throw new Error(`The server did not recover within ${RECOVERY_LIMIT_MS} ms`);
}

async function isAnswering(url: string, management: Management): Promise<boolean> {
  try {
    const ready = await fetch(`${url}/health/ready`);
    await ready.body?.cancel();
    if (!ready.ok) return false;
    // The policy log is read from the database, whatever is in memory.
    await management.eventAt('none' as RolloutId, 'halt');
    return true;
  } catch {
    // Refused connections and 503 are what a recovery looks like from outside.
    return false;
  }
}

/** Where the cluster lies: as root it is not below the data folder. */
async function homeOf(dataFolder: string): Promise<string> {
  const pointer: { readonly home: string } = JSON.parse(await readFile(join(dataFolder, 'postgres.json'), 'utf8'));
  return resolve(dataFolder, pointer.home);
}

async function postmasterOf(clusterHome: string): Promise<number> {
  const lock = await readFile(join(clusterHome, 'data', 'postmaster.pid'), 'utf8');
  return Number.parseInt(lock, 10);
}
