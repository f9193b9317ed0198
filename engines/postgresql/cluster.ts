// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as elapse } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findOperator, type Operator } from '@outrider/adapters/server/embedded-postgres/operator';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { execute } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { freePort } from '@outrider/testkit/free-port';
import type { DebianPackage } from './debian-packages.ts';

/** A PostgreSQL as somebody else runs it: installed from Debian, with Debian's settings, on the loopback interface. */
export interface Cluster {
  /** Its first user, who may do everything. */
  readonly connection: PostgresConnection;
  /** As it says itself. */
  readonly version: string;
  /** Ends it as a cut of power would, and starts it again on the same port. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}

/** Takes the packages apart in a folder for temporary files, makes a cluster and starts it, as the user PostgreSQL wants. */
export async function startCluster(debian: DebianPackage): Promise<Cluster> {
  // As root PostgreSQL runs as another user, who must be able to read it wherever the checkout lies.
  const operator = await findOperator();
  const home = mkdtempSync(join(tmpdir(), 'outrider-postgresql-'));
  chmodSync(home, 0o755);
  for (const file of debian.files) await promisify(execFile)('dpkg-deb', ['--extract', file, join(home, 'root')]);
  const [binaries = ''] = globSync('root/usr/lib/postgresql/*/bin', { cwd: home });
  const world = { operator, environment: environmentOf(home), binaries: join(home, binaries) };
  const password = 'p@ss/word:of a person';
  const data = await initialise(home, world, password);
  const connection = await run({ home, data, password }, world);
  const [row] = await execute(connection, 'show server_version');
  const control = async (verb: string, ...flags: readonly string[]): Promise<void> => {
    await promisify(execFile)(join(world.binaries, 'pg_ctl'), [verb, '-D', data, ...flags], optionsOf(world));
  };
  return {
    connection,
    version: Object.values(row ?? {}).join(''),
    async crash() {
      await control('restart', '-m', 'immediate', '-l', join(home, 'log'));
    },
    async remove() {
      await control('stop', '-m', 'fast');
      rmSync(home, { recursive: true });
    },
  };
}

interface World {
  readonly operator: Operator;
  readonly environment: Readonly<Record<string, string>>;
  readonly binaries: string;
}

function optionsOf({ operator, environment }: World): object {
  return { ...operator, env: environment, cwd: '/' };
}

/** Its libraries are the ones that came with it, not the machine's. */
function environmentOf(home: string): Readonly<Record<string, string>> {
  const libraries = globSync(['root/usr/lib/*-linux-gnu', 'root/lib/*-linux-gnu'], { cwd: home });
  return {
    PATH: '/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    LD_LIBRARY_PATH: libraries.map((one) => join(home, one)).join(':'),
  };
}

const USER = 'an operator';

async function initialise(home: string, world: World, password: string): Promise<string> {
  const [data, log, passwordFile] = [join(home, 'data'), join(home, 'log'), join(home, 'password')];
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(log, '', { mode: 0o600 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const { operator } = world;
  if (operator !== undefined) for (const path of [data, log, passwordFile]) chownSync(path, operator.uid, operator.gid);
  const flags = [`--username=${USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  await promisify(execFile)(join(world.binaries, 'initdb'), ['-D', data, ...flags], optionsOf(world));
  return data;
}

async function run(
  { home, data, password }: { readonly home: string; readonly data: string; readonly password: string },
  world: World,
): Promise<PostgresConnection> {
  const port = await freePort();
  const log = join(home, 'log');
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${port}`, '-c', 'unix_socket_directories='];
  const child = spawn(join(world.binaries, 'postgres'), ['-D', data, ...settings], {
    ...optionsOf(world),
    stdio: ['ignore', 'ignore', openSync(log, 'a')],
  });
  const connection = { host: '127.0.0.1', port, user: USER, password, database: 'postgres', tls: 'off' } as const;
  const end = once(child, 'exit').then(() => true);
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += LOOK_MS) {
    if (await answers(connection)) return connection;
    if (await Promise.race([end, elapse(LOOK_MS, false)])) break;
  }
  child.kill('SIGQUIT');
  throw new Error(`PostgreSQL did not start: ${readFileSync(log, 'utf8')}`);
}

/** Half a second is usual. */
const START_MS_MAX = 60_000;
const LOOK_MS = 50;

async function answers(connection: PostgresConnection): Promise<boolean> {
  try {
    await execute(connection, 'select 1');
    return true;
  } catch {
    // Refused until it listens, and then until it has recovered.
    return false;
  }
}
