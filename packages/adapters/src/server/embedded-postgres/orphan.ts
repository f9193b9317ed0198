// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { delay } from '../../shared/delay.ts';
import { errorCode, readTextIfPresent } from '../../shared/files.ts';
import { type Cluster, clusterFolder, ownerOf } from './cluster.ts';
import { PostgresStartError } from './errors.ts';
import { hasOwner } from './owner-session.ts';
import { isAlive, stopProcess } from './postmaster.ts';

/** The file in which a postmaster says: process id, cluster, start, port. It stays after `kill -9`. */
const LOCK_FILE = 'postmaster.pid';

/**
 * Clears the way for a start. A PostgreSQL left over by a killed server is stopped; a lock file whose process id is someone
 * else's after a reboot is disarmed. Where another live server holds the database it throws `data-folder-in-use`.
 */
export async function clearLeftover(cluster: Cluster, log: (message: string, pid: number) => void): Promise<void> {
  const lock = await loadLock(cluster);
  // PostgreSQL itself sees that a process is gone, and waits for what it left behind.
  if (lock === undefined || !(await isAlive(lock.pid))) return;
  if (!(await isPostmasterOf(cluster, lock.pid))) {
    log('The lock file of a former PostgreSQL names a process that is none now', lock.pid);
    await disarm(cluster);
    return;
  }
  // The sessions of a server that was killed a moment ago end as soon as PostgreSQL notices.
  for (let tries = 0; await hasOwner(cluster, lock.port); tries++) {
    if (tries === OWNER_TRIES) {
      const detail = `Another server uses the database of this data folder (PostgreSQL has process id ${lock.pid}): stop it, or choose another data folder`;
      throw new PostgresStartError('data-folder-in-use', detail);
    }
    await delay(OWNER_POLL_MS);
  }
  log('A PostgreSQL left over by a killed server is stopped', lock.pid);
  await stopProcess(lock.pid);
}

const OWNER_TRIES = 10;
const OWNER_POLL_MS = 100;

/** The port of the PostgreSQL that a live server holds on this cluster, or undefined. */
export async function portOfOwned(cluster: Cluster): Promise<number | undefined> {
  const lock = await loadLock(cluster);
  if (lock === undefined || !(await isPostmasterOf(cluster, lock.pid))) return undefined;
  return (await hasOwner(cluster, lock.port)) ? lock.port : undefined;
}

/**
 * Removes clusters whose data folder was below the system's folder for temporary files and is gone: what tests and
 * demonstrations that were killed leave behind. Any other cluster stays, whether its data folder is there or not.
 */
export async function sweepTemporaryClusters(baseFolder: string): Promise<void> {
  const clustersFolder = join(baseFolder, 'clusters');
  for (const name of await readdir(clustersFolder)) {
    const home = join(clustersFolder, name);
    const owner = await ownerOf(home);
    if (owner === undefined || !owner.startsWith(tmpdir() + sep) || (await isThere(owner))) continue;
    await removeCluster(home);
  }
}

/** Stops what runs in the cluster of this home and removes it. */
export async function removeCluster(home: string): Promise<void> {
  const lock = await loadLock({ home });
  if (lock !== undefined && (await isPostmasterOf({ home }, lock.pid))) await stopProcess(lock.pid);
  await rm(home, { recursive: true, force: true });
}

/**
 * Writes our own process id into the lock file: PostgreSQL takes its parent's for stale (miscinit.c, CreateLockFile) and
 * still checks that no process uses the former one's memory. Removing the file would lose that check.
 */
async function disarm(cluster: Pick<Cluster, 'home'>): Promise<void> {
  const path = join(clusterFolder(cluster), LOCK_FILE);
  const [, ...rest] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [process.pid, ...rest].join('\n'));
}

async function isThere(folder: string): Promise<boolean> {
  try {
    await stat(folder);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}

/** What the postmaster's lock file says, if there is one. */
export async function loadLock(
  cluster: Pick<Cluster, 'home'>,
): Promise<{ readonly pid: number; readonly port: number } | undefined> {
  const text = await readTextIfPresent(join(clusterFolder(cluster), LOCK_FILE));
  if (text === undefined) return undefined;
  // PostgreSQL, miscadmin.h: line 1 is the process id, line 4 the port.
  const lines = text.split('\n');
  return { pid: Number.parseInt(lines[0] ?? '', 10), port: Number.parseInt(lines[3] ?? '', 10) };
}

/** Whether this process is alive and is the PostgreSQL of this cluster: process ids are used again after a reboot. */
export async function isPostmasterOf(cluster: Pick<Cluster, 'home'>, pid: number): Promise<boolean> {
  return (await isAlive(pid)) && (await commandLineOf(pid)).includes(clusterFolder(cluster));
}

async function commandLineOf(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // No /proc on macOS; a process that ended meanwhile has no command line either way.
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout;
  } catch {
    // `ps` ends with 1 when there is no such process.
    return '';
  }
}
