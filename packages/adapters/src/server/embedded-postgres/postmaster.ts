// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { delay } from '../../shared/delay.ts';
import { errorCode, readTextIfPresent } from '../../shared/files.ts';
import { type Cluster, clusterFolder, logFile, POSTGRES_ENVIRONMENT } from './cluster.ts';
import { PostgresStartError } from './errors.ts';
import type { Operator } from './operator.ts';

/** PostgreSQL's first process, started by this one. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
}

/** Settings of PostgreSQL by their own names. */
export type PostgresSettings = Readonly<Record<string, string | number>>;

/** Starts the postmaster on this port, or a free one, of the loopback interface. It may not accept connections yet. */
export async function startPostmaster(options: {
  readonly cluster: Cluster;
  readonly binaries: string;
  readonly operator: Operator;
  readonly port?: number | undefined;
  readonly settings?: PostgresSettings | undefined;
}): Promise<Postmaster> {
  const port = options.port ?? (await findFreePort());
  await limitLog(options.cluster);
  const log = openSync(logFile(options.cluster), 'a', 0o600);
  try {
    const child = spawn(
      join(options.binaries, 'bin', 'postgres'),
      ['-D', clusterFolder(options.cluster), ...parametersOf({ ...ownSettings(port), ...options.settings })],
      {
        ...options.operator,
        cwd: options.cluster.home,
        env: POSTGRES_ENVIRONMENT,
        // A group of its own: Ctrl-C in a terminal goes to the server, which stops the database last.
        detached: true,
        // Its log is a file, not a pipe: it must outlive a server that was killed.
        stdio: ['ignore', log, log],
      },
    );
    return await watch(child, port);
  } finally {
    closeSync(log);
  }
}

async function watch(child: ChildProcess, port: number): Promise<Postmaster> {
  let isOver = false;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (status, signal) => {
      isOver = true;
      resolve(signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      const detail = `PostgreSQL could not be started: ${cause.message}. Check that its folder may be read and run`;
      reject(new PostgresStartError('postgres-did-not-start', detail, cause));
    });
  });
  if (child.pid === undefined) throw new PostgresStartError('postgres-did-not-start', 'PostgreSQL has no process id');
  return { pid: child.pid, port, ended, hasEnded: () => isOver };
}

/** Asks for a fast shutdown, waits, and insists: `quit` recovers on the next start, so nothing committed is lost. */
export async function stopProcess(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!signalled(pid, signal)) return;
    for (let waitedMs = 0; waitedMs < STOP_PATIENCE_MS; waitedMs += STOP_POLL_MS) {
      if (!(await isAlive(pid))) return;
      await delay(STOP_POLL_MS);
    }
  }
}

/** A fast shutdown writes one checkpoint: well under a second here; slow flash may take several. */
const STOP_PATIENCE_MS = 10_000;
const STOP_POLL_MS = 20;

/** Whether the process runs: one that ended and that a container's first process never reaps does not. */
export async function isAlive(pid: number): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 1 || !signalled(pid, 0)) return false;
  // proc(5): the state is the field after the command's name, which stands in parentheses.
  const status = await readTextIfPresent(`/proc/${pid}/stat`);
  // No /proc on this system, or the process ended between the two looks: a third tells which.
  if (status === undefined) return signalled(pid, 0);
  return !/^ Z/.test(status.slice(status.lastIndexOf(')') + 1));
}

/** Sends a signal (0: only looks) and says whether the process is there. */
function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'ESRCH') return false;
    // Another user's process has this id: it is not our PostgreSQL.
    if (errorCode(cause) === 'EPERM') return false;
    throw cause;
  }
}

/** The last lines of PostgreSQL's log, for the sentence that says why it did not start. */
export async function logTail(cluster: Cluster, lines: number = LOG_TAIL_LINES): Promise<string> {
  const file = await open(logFile(cluster), 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOG_TAIL_BYTES), 0, LOG_TAIL_BYTES, start);
    return buffer.subarray(0, bytesRead).toString('utf8').trim().split('\n').slice(-lines).join(' | ');
  } finally {
    await file.close();
  }
}

/** Enough for one FATAL line with its hint. */
const LOG_TAIL_BYTES = 2_048;
const LOG_TAIL_LINES = 4;

/** The log begins anew at a start when it has grown past this: errors of months, and little on a laptop's disk. */
const LOG_BYTES_MAX = 8_388_608;

async function limitLog(cluster: Cluster): Promise<void> {
  try {
    if ((await stat(logFile(cluster))).size > LOG_BYTES_MAX) await truncate(logFile(cluster));
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause;
  }
}

/** Durable, local only, and small: one installation of some ten thousand devices on a laptop. */
function ownSettings(port: number): PostgresSettings {
  return {
    listen_addresses: '127.0.0.1',
    port,
    // No socket file: its path would have to be short, and every user could see it.
    unix_socket_directories: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_connections: 40,
    shared_buffers: '64MB',
    max_wal_size: '256MB',
    // All our statements are short and run side by side; helpers would only take the two cores from each other.
    max_parallel_workers_per_gather: 0,
    jit: 'off',
    io_method: 'sync',
    log_min_messages: 'warning',
    log_line_prefix: '%m [%p] ',
    cluster_name: 'outrider',
  };
}

function parametersOf(values: PostgresSettings): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** A port that was free a moment ago; whoever takes it meanwhile makes the start fail, and the next one tries another. */
async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('A listening TCP socket has no port');
  return address.port;
}
