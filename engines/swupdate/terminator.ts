// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@outrider/testkit/free-port';
import { fetchEnvoy } from '../envoy/start-envoy.ts';
import { fetchHaproxy } from '../haproxy/start-haproxy.ts';
import { type ListeningProgram, listeningProgram } from '../way/listening-program.ts';

/** A proxy that ends mutual TLS in front of a server, as `outrider terminator config` has set it up. */
export async function startTerminator(
  kind: 'haproxy' | 'envoy',
  { folder, gatewaySocket, configure }: TerminatorPlace,
): Promise<ListeningProgram> {
  mkdirSync(folder, { recursive: true });
  const [port, out] = [await freePort(), join(folder, 'configured')];
  const bind = ['--bind', `127.0.0.1:${port}`, '--connections-max', '500'];
  const written = await configure(['--kind', kind, '--out', out, '--gateway-socket', gatewaySocket, ...bind, '--json']);
  const { configuration }: { readonly configuration: string } = JSON.parse(written);
  const { program, environment, flags } = await programs[kind](folder, configuration);
  const child = spawn(program, flags, { env: { ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  return listeningProgram(child, { name: kind, port });
}

interface TerminatorPlace {
  /** Without a space in its path: files of proxies cannot hold one. */
  readonly folder: string;
  readonly gatewaySocket: string;
  /** Runs `outrider terminator config`; answers with what it printed. */
  readonly configure: (flags: readonly string[]) => Promise<string>;
}

/** As the command says that they are run, and so that others of their kind beside are none of their business. */
const programs = {
  async haproxy(folder: string, configuration: string) {
    return { ...(await fetchHaproxy(join(folder, 'program'))), flags: ['-db', '-f', configuration] };
  },
  async envoy(_folder: string, configuration: string) {
    const flags = ['-c', configuration, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];
    return { program: await fetchEnvoy(), environment: {}, flags };
  },
} as const;
