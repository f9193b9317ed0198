// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { checkoutRoot } from '../../scripts/gates.ts';
import { type Place, type Running, startIn } from '../way/programs.ts';

/** `npm start`, as a person starts it: a real server, real agents, a fleet that speaks the real protocol. */
export interface Demonstration {
  readonly url: string;
  readonly token: string;
  readonly developmentPassword: string;
  said(): string;
  /** Cuts the server off, as a machine that fails does. */
  killServer(): void;
  /** Starts the server again on the same data and port. */
  startServerAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** The same world each time: its bad release harms devices of one hardware revision and is halted there. */
const SEED = '7';
/** Enough for the arms of a trial, and few enough for a minute. */
const DEVICES = '300';

export async function startDemonstration(): Promise<Demonstration> {
  const root = checkoutRoot();
  const folder = mkdtempSync(join(tmpdir(), 'outrider-page-'));
  const data = join(folder, 'data');
  const serverFolder = join(data, 'server');
  mkdirSync(data);
  const place: Place = { folder: root, environment: environmentOf(root), wrapper: [] };
  const demo = startIn(place, [
    ...[process.execPath, 'scripts/launch.mjs', 'apps/cli/src/main.ts', 'demo'],
    ...['--devices', DEVICES, '--seed', SEED, '--data', data],
  ]);
  const address = await serverOf(serverFolder, demo);
  let again: Running | undefined;
  return {
    url: address.url,
    token: readFileSync(join(serverFolder, 'admin-token'), 'utf8').trim(),
    developmentPassword: readFileSync(join(serverFolder, 'development-password'), 'utf8').trim(),
    said: demo.said,
    killServer: () => void process.kill(address.pid, 'SIGKILL'),
    async startServerAgain() {
      const server = [process.execPath, join(root, 'apps', 'server', 'src', 'main.ts'), '--data', serverFolder];
      again = startIn(place, [...server, '--port', new URL(address.url).port, '--clock', 'conducted']);
      await serverOf(serverFolder, again);
    },
    async stop() {
      await demo.stop();
      await again?.stop();
      await removeEmbeddedPostgres(serverFolder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Address {
  readonly url: string;
  readonly pid: number;
}

/** A first start makes a database cluster, and the page may have to be built. */
const START_MS_MAX = 120_000;
const LOOK_MS = 100;

/** The file that a server writes when it is ready, once it names another process than before. */
async function serverOf(folder: string, program: Running): Promise<Address> {
  const former = readAddress(folder)?.pid;
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += LOOK_MS) {
    const found = readAddress(folder);
    if (found !== undefined && found.pid !== former) return found;
    if (program.hasEnded()) assert.fail(`It ended before the server was ready:\n${program.said()}`);
    await elapse(LOOK_MS);
  }
  assert.fail(`The server was not ready within ${START_MS_MAX} ms:\n${program.said()}`);
}

function readAddress(folder: string): Address | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8'));
  } catch (cause) {
    if (cause instanceof SyntaxError || (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) {
      return undefined;
    }
    throw cause;
  }
}

function environmentOf(root: string): Readonly<Record<string, string>> {
  const { PATH = '', HOME = '/nonexistent', TMPDIR = tmpdir() } = process.env;
  return { PATH, HOME, TMPDIR, OUTRIDER_ROOT: root, LANG: 'C.UTF-8' };
}
