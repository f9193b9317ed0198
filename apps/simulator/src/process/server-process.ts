// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delay } from '@outrider/adapters/shared/delay';
import { readTextIfPresent } from '@outrider/adapters/shared/files';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { record, text, whole } from '@outrider/protocol/kernel/reader';
import { type Child, startChild } from './child.ts';

/** The server program as a process of its own, under a conductor. */
export interface ServerProcess {
  readonly child: Child;
  readonly url: string;
  readonly adminToken: string;
  readonly registrationToken: string;
}

/** The server did not come up: with the end of its log, which says why. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}

/** Making a new cluster takes seconds on a small machine; a recovery after a crash less. */
const START_LIMIT_MS = 60_000;
const POLL_MS = 25;

export interface LaunchOptions {
  readonly dataFolder: string;
  readonly logPath: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Starts the server on a data folder and waits until it is ready. Throws ServerStartError. */
export async function startServer(options: LaunchOptions): Promise<ServerProcess> {
  const { dataFolder, logPath } = options;
  const child = launchServer(options);
  const url = await untilReady(child, dataFolder);
  if (url === undefined) {
    await child.kill();
    throw new ServerStartError(await whyNot(child, logPath));
  }
  return {
    child,
    url,
    adminToken: await readToken(dataFolder, 'admin-token'),
    registrationToken: await readToken(dataFolder, 'registration-token'),
  };
}

/** Starts the server and waits for nothing. */
export function launchServer({ dataFolder, logPath, port }: LaunchOptions): Child {
  const program = fileURLToPath(new URL('../../../server/src/main.ts', import.meta.url));
  const flags = ['--data', dataFolder, '--port', String(port), '--clock', 'conducted'];
  const child = startChild({ program, arguments: flags, logPath, isTied: true });
  child.lines.resume();
  return child;
}

/** The address that this very process wrote; an older file names another process. */
async function untilReady(child: Child, dataFolder: string): Promise<string | undefined> {
  for (let waitedMs = 0; waitedMs < START_LIMIT_MS && child.isRunning(); waitedMs += POLL_MS) {
    const address = await readTextIfPresent(join(dataFolder, 'server.json'));
    const parsed = address === undefined ? undefined : parseText(address, ADDRESS_FORMAT);
    if (parsed?.ok && parsed.value.pid === child.pid) return parsed.value.url;
    await delay(POLL_MS);
  }
  return undefined;
}

interface ServerAddress {
  readonly url: string;
  readonly pid: number;
}

const ADDRESS_FORMAT = {
  noun: 'server-address',
  bytesMax: 4_096,
  reader: record<ServerAddress>({ url: text({ charactersMin: 1, charactersMax: 1_024 }), pid: whole({ min: 0 }) }),
};

/** A token that the server made when it first started. */
export async function readToken(dataFolder: string, name: string): Promise<string> {
  return (await readFile(join(dataFolder, name), 'utf8')).trim();
}

/** The server says in its last line what is wrong and what to do; if it could not, the log is all there is. */
async function whyNot(child: Child, logPath: string): Promise<string> {
  const log = await readFile(logPath, 'utf8');
  const line = log.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('The server did not start')) return line;
  return `The server did not start (${await child.ended}); its log is ${logPath}`;
}
