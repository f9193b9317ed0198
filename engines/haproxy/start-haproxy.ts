// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { haproxyConfig, ticketKeyLines } from '@outrider/adapters/server/ca/haproxy-config';
import { ticketKeys } from '@outrider/adapters/server/ca/ticket-keys';
import { tlsMaterial } from '@outrider/adapters/server/ca/tls-material';
import { wallClock } from '@outrider/adapters/shared/clock';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { readWhole } from '@outrider/adapters/shared/x509/der-read';
import { commonNameIn, subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { freePort } from '@outrider/testkit/free-port';
import { fromDebian } from '../postgresql/debian-packages.ts';
import { type ListeningProgram, listeningProgram } from '../way/listening-program.ts';
import type { TerminatorWorld } from '../way/terminator-in-front.ts';

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

/** Starts it with the configuration that `outrider terminator config` writes. */
export async function startHaproxy(
  { program, environment }: Haproxy,
  world: TerminatorWorld,
): Promise<ListeningProgram> {
  const { folder, files, gatewaySocket, log } = world;
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
  return listeningProgram(child, { name: 'haproxy', port, ...(log && { log }) });
}
