// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as elapse } from 'node:timers/promises';
import { freePort } from '@outrider/testkit/free-port';
import { fromPypi } from '../../engines/from-pypi.ts';
import type { LoadJob, LoadResult } from './load.ts';
import { type ControlPlane, releaseRole } from './policy.ts';

/** A server that is measured: a process of its own. */
export interface Measured {
  readonly name: string;
  readonly pid: number;
  readonly where: LoadJob['where'];
  readonly kind: LoadJob['kind'];
  stop(): Promise<void>;
}

/** The load comes from a process of its own, whose time is not counted. */
export interface LoadProcess {
  run(job: LoadJob): Promise<LoadResult>;
  stop(): void;
}

export function startLoad(): LoadProcess {
  const child = fork(join(import.meta.dirname, 'load.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const ended = () => reject(new Error('The process that makes the load ended'));
        child.once('exit', ended);
        child.once('message', (message: { readonly result?: LoadResult; readonly fault?: string }) => {
          child.off('exit', ended);
          if (message.result === undefined) reject(new Error(message.fault));
          else resolve(message.result);
        });
        child.send(job);
      }),
    stop: () => void child.kill(),
  };
}

interface OursOptions {
  readonly root: string;
  readonly folder: string;
  readonly databaseUrl: string;
  readonly profileFolder?: string;
}

/** Our real server, on a database that is there already. Profiles of its CPU go to a folder, when one is given. */
export async function startOurs(options: OursOptions): Promise<Measured & ControlPlane> {
  const { folder, profileFolder } = options;
  const data = join(folder, 'data');
  const roleFile = join(folder, 'release-role.json');
  writeFileSync(roleFile, releaseRole());
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
  const { url, ...ours } = await startServer(options, profile, {
    name: 'ours',
    data,
    flags: ['--release-role', roleFile],
  });
  return { ...ours, url, token: readFileSync(join(data, 'admin-token'), 'utf8').trim() };
}

/** A further gateway of the same installation. */
export async function startGatewayBeside(options: OursOptions): Promise<Measured> {
  const shared = join(options.folder, 'data');
  const flags = ['--role', 'gateway', '--secrets', shared, '--blobs', join(shared, 'blobs')];
  return startServer(options, [], { name: 'beside', data: join(options.folder, 'beside'), flags });
}

async function startServer(
  { root, folder, databaseUrl }: OursOptions,
  profile: readonly string[],
  { name, data, flags }: { readonly name: string; readonly data: string; readonly flags: readonly string[] },
): Promise<Measured & Pick<ControlPlane, 'url'>> {
  const path = join(folder, `${name}.sock`);
  const program = [join(root, 'apps', 'server', 'src', 'main.ts'), '--data', data, '--port', '0', ...flags];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...profile, ...program, '--terminator-socket', path],
    { env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = await untilSaid(child, /ready at (http:\/\/\S+),/);
  const stopped = () => stop(child);
  return { name, url: said[1] ?? '', pid: pidOf(child), where: { path }, kind: 'check-in', stop: stopped };
}

export async function startBare(folder: string): Promise<Measured> {
  const path = join(folder, 'bare.sock');
  const child = fork(join(import.meta.dirname, 'bare-server.ts'), [path]);
  await new Promise((resolve) => child.once('message', resolve));
  return { name: 'bare node:http', pid: pidOf(child), where: { path }, kind: 'check-in', stop: () => stop(child) };
}

/** As published: no setting but the database, the port and the folder. Its default database is SQLite. */
export const GOOSE_BIT_VERSION = '0.2.12';

export async function startGooseBit(folder: string, devices: number): Promise<Measured> {
  const packages = await fromPypi(`goosebit-${GOOSE_BIT_VERSION}`, [`goosebit==${GOOSE_BIT_VERSION}`]);
  const environment = {
    PATH: process.env.PATH,
    PYTHONPATH: packages,
    GOOSEBIT_DB_URI: `sqlite://${join(folder, 'goosebit.sqlite3')}`,
    GOOSEBIT_ARTIFACTS_DIR: join(folder, 'goosebit-artifacts'),
  };
  const fill = ['-c', GOOSE_BIT_DEVICES, String(devices)];
  const schema = spawn('python3', fill, { cwd: folder, env: environment, stdio: 'ignore', timeout: START_MS_MAX });
  const code = await new Promise((resolve) => schema.once('exit', resolve));
  if (code !== 0) throw new Error('The tables of gooseBit could not be made');
  const where = { host: '127.0.0.1', port: await freePort() };
  const flags = ['--host', where.host, '--port', String(where.port), '--no-access-log'];
  const child = spawn('python3', ['-m', 'uvicorn', 'goosebit:app', ...flags], {
    cwd: folder,
    env: environment,
    stdio: 'ignore',
  });
  await untilAnswered(where, child);
  return { name: `gooseBit ${GOOSE_BIT_VERSION}`, pid: pidOf(child), where, kind: 'poll', stop: () => stop(child) };
}

/** Its own models, by its own ORM: registered devices with nothing to do. */
const GOOSE_BIT_DEVICES = `
import asyncio, os, sys
from tortoise import Tortoise
from goosebit.db.config import TORTOISE_CONF
from goosebit.db.models import Device, Hardware
async def fill():
    await Tortoise.init(config=TORTOISE_CONF)
    await Tortoise.generate_schemas()
    board = await Hardware.create(model="camera", revision="a")
    names = ["cam-%09d" % n for n in range(int(sys.argv[1]))]
    await Device.bulk_create([Device(id=name, hardware=board, sw_version="2.1.0") for name in names])
    return 0
async def main():
    try:
        os._exit(await fill())
    finally:
        # A thread of its driver would keep the process.
        os._exit(1)
asyncio.run(main())
`;

/** Time on a processor of a process with all its threads, in milliseconds (proc(5), utime and stime). */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return (userTicks + systemTicks) * (1_000 / TICKS_PER_SECOND);
}

/** USER_HZ: 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/** Memory of a process that is in RAM, in bytes. */
export function residentBytesOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

/** What a gateway's memory takes for each device. */
export interface MemoryMeasured {
  /** Heap and buffers after a full collection. */
  readonly bytes: number;
  /** Processor time of a look at one device and of its new status. */
  readonly lookUs: number;
}

export async function measureMemory(devices: number): Promise<MemoryMeasured> {
  const script = join(import.meta.dirname, 'cache-memory.ts');
  const child = fork(script, [String(devices)], { execArgv: ['--expose-gc'] });
  return new Promise((resolve, reject) => {
    child.once('message', (measured: MemoryMeasured) => resolve(measured));
    child.once('exit', (code) => reject(new Error(`The measurement of the memory ended with ${code}`)));
  });
}

const START_MS_MAX = 120_000;

async function untilSaid(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let said = '';
  child.stdout?.on('data', (chunk) => {
    if (said.length < SAID_CHARACTERS_MAX) said += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    if (said.length < SAID_CHARACTERS_MAX) said += chunk;
  });
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 50) {
    const found = pattern.exec(said);
    if (found !== null) return found;
    if (child.exitCode !== null) break;
    await elapse(50);
  }
  child.kill('SIGKILL');
  throw new Error(`A server did not start: ${said}`);
}

async function untilAnswered(
  where: { readonly host: string; readonly port: number },
  child: ChildProcess,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_MS_MAX && child.exitCode === null; waitedMs += 100) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(where, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await elapse(100);
  }
  child.kill('SIGKILL');
  throw new Error(`Nothing answers at port ${where.port}`);
}

/** What a start says; the log of a load is not kept. */
const SAID_CHARACTERS_MAX = 20_000;

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('A process could not be started');
  return child.pid;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(cut);
}
