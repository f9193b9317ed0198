// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { chown, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { createFolder, readTextIfPresent, removeDurably, writeFileDurably } from '../../shared/files.ts';
import { randomSecret } from '../../shared/random.ts';
import { NO_SPACE, PostgresStartError, storageFull } from './errors.ts';
import type { Operator } from './operator.ts';

/** A PostgreSQL cluster of one data folder. */
export interface Cluster {
  /** Holds `data/` (the cluster), `postgres.log` and `data-folder` (whose it is). */
  readonly home: string;
  readonly password: string;
}

export const DATABASE_USER = 'outrider';

/** In the data folder, mode 0600: where its cluster lies, and the password. Written once the cluster is whole. */
const POINTER_FILE = 'postgres.json';
const OWNER_FILE = 'data-folder';

/** The cluster's own folder, PostgreSQL's PGDATA. */
export function clusterFolder(cluster: Pick<Cluster, 'home'>): string {
  return join(cluster.home, 'data');
}

export function logFile(cluster: Cluster): string {
  return join(cluster.home, 'postgres.log');
}

/** The cluster that the data folder points to, or a new one. */
export async function openCluster(options: {
  readonly dataFolder: string;
  readonly baseFolder: string;
  readonly binaries: string;
  readonly operator: Operator;
}): Promise<Cluster> {
  const dataFolder = await realpath(options.dataFolder);
  const known = await loadPointer(dataFolder);
  if (known === undefined) return await createCluster({ ...options, dataFolder });
  await claim(known, dataFolder);
  return known;
}

/** The cluster of a data folder as its pointer file says, or undefined. */
export async function loadPointer(dataFolder: string): Promise<Cluster | undefined> {
  const text = await readTextIfPresent(join(dataFolder, POINTER_FILE));
  if (text === undefined) return undefined;
  const pointer = readJson(text);
  const isPointer = typeof pointer === 'object' && pointer !== null && 'home' in pointer && 'password' in pointer;
  if (isPointer && typeof pointer.home === 'string' && typeof pointer.password === 'string') {
    return { home: resolve(dataFolder, pointer.home), password: pointer.password };
  }
  const detail = `The file ${POINTER_FILE} in the data folder does not say where the database is: restore it from a backup`;
  throw new PostgresStartError('folder-unusable', detail);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** The data folder has no cluster from now on. */
export async function removePointer(dataFolder: string): Promise<void> {
  await removeDurably(join(dataFolder, POINTER_FILE));
}

/** The data folder whose cluster lies in this home, or undefined when it was never finished. */
export async function ownerOf(home: string): Promise<string | undefined> {
  return await readTextIfPresent(join(home, OWNER_FILE));
}

/** A moved data folder takes its cluster along; a copy must not take it, or two servers would share a database. */
async function claim(cluster: Cluster, dataFolder: string): Promise<void> {
  const owner = await ownerOf(cluster.home);
  if (owner === dataFolder) return;
  if (owner === undefined) {
    const detail = `The database of this data folder, ${cluster.home}, is gone: restore it, or begin anew with an empty data folder`;
    throw new PostgresStartError('folder-unusable', detail);
  }
  if ((await loadPointer(owner))?.home === cluster.home) {
    const detail = `The database ${cluster.home} belongs to the data folder ${owner}, of which this one is a copy: use that one, or begin with an empty data folder`;
    throw new PostgresStartError('cluster-belongs-elsewhere', detail);
  }
  await writeFileDurably(join(cluster.home, OWNER_FILE), dataFolder);
}

async function createCluster(options: {
  readonly dataFolder: string;
  readonly baseFolder: string;
  readonly binaries: string;
  readonly operator: Operator;
}): Promise<Cluster> {
  const clustersFolder = join(options.baseFolder, 'clusters');
  await createFolder(clustersFolder);
  // A random name: a start that was cut half-way leaves a folder that no pointer names and that hinders nobody.
  const cluster = { home: join(clustersFolder, randomSecret(8)), password: randomSecret(24) };
  await createFolder(cluster.home, 0o700);
  await writeFileDurably(join(cluster.home, OWNER_FILE), options.dataFolder);
  await initialise(cluster, options);
  // Inside the data folder the path is a relative one: moved or restored from a backup, the folder stays whole.
  const isInside = options.baseFolder === options.dataFolder;
  const home = isInside ? relative(options.dataFolder, cluster.home) : cluster.home;
  const pointer = `${JSON.stringify({ schema: 1, home, password: cluster.password }, undefined, 2)}\n`;
  await writeFileDurably(join(options.dataFolder, POINTER_FILE), pointer, 0o600);
  return cluster;
}

async function initialise(
  cluster: Cluster,
  { binaries, operator }: { readonly binaries: string; readonly operator: Operator },
): Promise<void> {
  const passwordFile = join(cluster.home, 'password');
  await mkdir(clusterFolder(cluster), { mode: 0o700 });
  await writeFile(passwordFile, cluster.password, { mode: 0o600 });
  if (operator !== undefined) {
    for (const path of [cluster.home, clusterFolder(cluster), passwordFile]) {
      await chown(path, operator.uid, operator.gid);
    }
  }
  try {
    await promisify(execFile)(
      join(binaries, 'bin', 'initdb'),
      [
        `--pgdata=${clusterFolder(cluster)}`,
        `--username=${DATABASE_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
      ],
      { ...operator, cwd: cluster.home, env: POSTGRES_ENVIRONMENT, timeout: INITDB_TIMEOUT_MS },
    );
  } catch (cause) {
    await rm(cluster.home, { recursive: true, force: true });
    if (lastLines(cause).includes(NO_SPACE)) throw storageFull(cluster.home, cause);
    const detail = `The database could not be created in ${cluster.home}: ${lastLines(cause)}. Check free space and rights there`;
    throw new PostgresStartError('initdb-failed', detail, cause);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Nothing of this process's own environment: no PG* variable of a person's shell may change what is started. */
export const POSTGRES_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' } as const;

/** Two seconds here; slow flash takes a minute to sync a thousand small files. */
const INITDB_TIMEOUT_MS = 180_000;

function lastLines(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.trim().split('\n').slice(-3).join(' ');
}
