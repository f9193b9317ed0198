// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CaFiles } from '@outrider/adapters/server/ca/ca-folder';
import { haproxyConfig, ticketKeyLines } from '@outrider/adapters/server/ca/haproxy-config';
import { ticketKeys } from '@outrider/adapters/server/ca/ticket-keys';
import { tlsMaterial } from '@outrider/adapters/server/ca/tls-material';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { readWhole } from '@outrider/adapters/shared/x509/der-read';
import { commonNameIn, subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { fromDebian } from '../postgresql/debian-packages.ts';

/** Debian 12's HAProxy, as it is installed there. */
const HAPROXY = { name: 'haproxy', version: '2.6.12-1+deb12u4', series: '2.6.12-1' };

/** The program with the libraries that came with it. */
export interface Haproxy {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Fetches it once, and takes it apart in this folder: nothing is installed on the machine. */
export async function fetchHaproxy(folder: string): Promise<Haproxy> {
  const debian = await fromDebian(HAPROXY);
  await mkdir(folder, { recursive: true });
  for (const file of debian.files) await promisify(execFile)('dpkg-deb', ['--extract', file, join(folder, 'root')]);
  const libraries = globSync(['root/usr/lib/*-linux-gnu', 'root/lib/*-linux-gnu'], { cwd: folder });
  return {
    program: join(folder, 'root', 'usr', 'sbin', 'haproxy'),
    environment: { LD_LIBRARY_PATH: libraries.map((one) => join(folder, one)).join(':') },
  };
}

/** A running HAProxy in front of a gateway. */
export interface RunningHaproxy {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** How long it may take to listen: the machine may be busy. */
const START_MS = 30_000;

/** Starts it with the configuration that `outrider terminator config` writes. */
export async function startHaproxy(
  { program, environment }: Haproxy,
  world: {
    readonly folder: string;
    readonly files: CaFiles;
    readonly gatewaySocket: string;
    readonly log?: (line: string) => void;
  },
): Promise<RunningHaproxy> {
  const { folder, files, gatewaySocket, log = () => {} } = world;
  await mkdir(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const { key, cert, ca } = tlsMaterial(files);
  const issuer = readWhole(subjectIn(files.issuing[0].raw));
  const port = await freePort();
  await writeFileDurably(at('server.pem'), cert + key, 0o600);
  await writeFileDurably(at('roots.pem'), ca.join(''));
  await writeFileDurably(at('ticket-keys'), ticketKeyLines(ticketKeys(files.issuingKey, wallClock().now())), 0o600);
  const text = haproxyConfig({
    files: { server: at('server.pem'), roots: at('roots.pem'), ticketKeys: at('ticket-keys') },
    bind: `127.0.0.1:${port}`,
    gateways: [gatewaySocket],
    issuer: (issuer && commonNameIn(issuer)) ?? '',
    adminSocket: at('admin.sock'),
    connectionsMax: 4_000,
    threads: 1,
  });
  await writeFileDurably(at('haproxy.cfg'), text, 0o600);
  await promisify(execFile)(program, ['-c', '-f', at('haproxy.cfg')], { env: { ...environment } });
  const child = spawn(program, ['-db', '-f', at('haproxy.cfg')], {
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => log(part.toString()));
  await untilListening(child, port);
  return {
    port,
    pid: child.pid ?? 0,
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`haproxy ended with ${child.exitCode}`);
    if (await isOpen(port)) return;
    await delay(50);
  }
  child.kill('SIGKILL');
  throw new Error(`haproxy did not listen within ${START_MS} ms`);
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
