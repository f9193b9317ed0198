// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'outrider-orphans-'));
/** Of what was started here: the leaders of groups, and the servers that came of them. */
const groups: number[] = [];
const servers: number[] = [];

after(async () => {
  for (const pid of [...groups.map((leader) => -leader), ...servers]) endIfThere(pid);
  await until('the end of what was started', () => !servers.some(isAlive));
  rmSync(folder, { recursive: true, force: true });
});

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It ended before.
  }
}

/** Busy machines take long; a file that never ends would be worse than one that fails late. */
const PATIENCE_MS = 240_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += 50) {
    assert.ok(waitedMs < PATIENCE_MS, `waited in vain for ${what}`);
    await setTimeout(50);
  }
}

/** A process that ended and that nobody has reaped does not live. */
function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
}

/** Starts a program in a group of its own and gives its process id, and that of the server that comes of it. */
async function start(program: string, parameters: readonly string[], data: string) {
  rmSync(join(data, 'server.json'), { force: true });
  const child = spawn(program, parameters, { cwd: root, stdio: 'ignore', detached: true });
  await once(child, 'spawn');
  const leader = child.pid ?? 0;
  groups.push(leader);
  await until('the server', () => existsSync(join(data, 'server.json')));
  const server: number = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')).pid;
  servers.push(server);
  return { leader, server };
}

/** Those that the servers started, in order: one that stops in order ends its own. */
function postgresIds(data: string): readonly number[] {
  const log = readFileSync(join(data, 'server.log'), 'utf8');
  return [...log.matchAll(/"code":"postgres-started","pid":(\d+)/g)].map(([, pid]) => Number(pid));
}

function upOn(data: string): readonly string[] {
  return ['up', '--data', data, '--port', '0'];
}

test('a server ends with the npm, the launcher or the command line that started it, however that was ended', async () => {
  const data = join(folder, 'data');
  const viaNpm = ['run', '--silent', 'outrider', '--', ...upOn(data)];
  for (const [steps, signal] of [
    ['command line', 'SIGKILL'],
    ['launcher', 'SIGKILL'],
    ['npm', 'SIGKILL'],
    ['npm', 'SIGTERM'],
  ] as const) {
    const { leader: npm, server } = await start('npm', viaNpm, data);
    const commandLine = parentOf(server);
    const launcher = parentOf(commandLine);
    const killed = { 'command line': commandLine, launcher, npm }[steps];
    process.kill(killed, signal);
    await until(`the end of the server after ${signal} of the ${steps}`, () => !isAlive(server));
    await until(`the end of all others after ${signal} of the ${steps}`, () => ![commandLine, launcher].some(isAlive));
    const postgres = postgresIds(data).at(-1) ?? 0;
    await until(`the end of PostgreSQL after ${signal} of the ${steps}`, () => !isAlive(postgres));
  }
});

test('a server that was started by itself outlives the shell it was started from', async () => {
  const data = join(folder, 'on-its-own');
  const launch = ['node', join(root, 'scripts', 'launch.mjs'), 'apps/cli/src/main.ts', ...upOn(data)];
  const { leader: shell, server } = await start('sh', ['-c', '"$@" & sleep 1', 'sh', ...launch], data);
  await until('the end of the shell', () => !isAlive(shell));
  await setTimeout(2_000);
  assert.ok(isAlive(server), 'nobody asked it to stop');
});
