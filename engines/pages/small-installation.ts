// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { freePort } from '@outrider/testkit/free-port';
import { saysLoosely } from './loosely.ts';
import { type PageStep, stepsOf } from './page.ts';

/** The checkout whose pages are tried. */
export const checkout = dirname(dirname(import.meta.dirname));

/** A real server, and a shell in a folder of its own in which the commands of a page mean what they mean to a reader. */
export interface SmallInstallation {
  readonly folder: string;
  /** Where its data are. */
  readonly data: string;
  /**
   * Runs every marked command of a page, in order, and asserts what the page shows; before the first one of a section what `at` has
   * for it: the trouble the page is about, or its end. Gives how many there were.
   */
  follow(page: string, at?: Happenings): Promise<number>;
  /** Runs a script that no page shows. */
  run(script: string): Promise<void>;
  /** Ends the server and starts it again. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export type Happenings = Readonly<Record<string, (installation: SmallInstallation) => void | Promise<void>>>;

/** The pages name the port that a server has by default; here it is any free one. */
const DEFAULT_URL = 'http://127.0.0.1:8440';

export async function smallInstallation(): Promise<SmallInstallation> {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-'));
  const data = join(folder, '.outrider');
  // Kept over restarts, as devices know one address.
  const port = await freePort();
  const shell: Shell = {
    folder,
    // The port for mutual TLS is a default that other installations of this machine have too; devices know one.
    environment: { ...prepareShell(folder, data), OUTRIDER_PORT: `${port}`, OUTRIDER_TLS_PORT: `${await freePort()}` },
    children: [],
  };
  const { children } = shell;
  await runBeside(shell, 'outrider up');

  const installation: SmallInstallation = {
    folder,
    data,
    async follow(page, at = {}) {
      const steps = stepsOf(readFileSync(join(checkout, page), 'utf8'));
      const sections = new Set(steps.map(({ section }) => section));
      for (const named of Object.keys(at)) assert.ok(sections.has(named), `${page} has commands below ## ${named}`);
      let former: string | undefined;
      for (const step of steps) {
        if (step.section !== former) await at[step.section]?.(installation);
        former = step.section;
        await take(shell, data, { page, step });
      }
      return steps.length;
    },
    async run(script) {
      const { code, text } = await runToEnd(
        shell,
        script.replaceAll(DEFAULT_URL, () => urlIn(data)),
      );
      assert.equal(code, 0, `${script}\n${text}`);
    },
    async restart() {
      await installation.run(
        `kill "$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/' "$OUTRIDER_DATA/server.json")"\nwhile test -e "$OUTRIDER_DATA/server.json"; do sleep 0.2; done`,
      );
      await runBeside(shell, 'outrider up');
    },
    async remove() {
      for (const path of globSync(join(folder, 'device-*.pid'))) endQuietly(Number(readFileSync(path, 'utf8')));
      for (const child of children) if (child.exitCode === null) child.kill('SIGTERM');
      await until('everything has ended', () =>
        children.every((one) => one.exitCode !== null || one.signalCode !== null),
      );
      for (const path of globSync(join(folder, '**/postgres.json'), { exclude: ['device-*'] })) {
        await removeEmbeddedPostgres(dirname(path));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return installation;
}

interface Shell {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly children: ChildProcess[];
}

/** What the README tells a reader to put on the PATH, with the command itself in place of the launcher that would install. */
function prepareShell(folder: string, data: string): Readonly<Record<string, string>> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const main = join(checkout, 'apps', 'cli', 'src', 'main.ts');
  const node = `exec '${process.execPath}' --disable-warning=ExperimentalWarning`;
  for (const [name, line] of [
    ['outrider', `${node} '${main}' "$@"`],
    ['node', `${node} "$@"`],
  ] as const) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const path = `${bin}:${process.env.PATH ?? '/usr/bin:/bin'}`;
  return {
    PATH: path,
    HOME: folder,
    OUTRIDER_PASSPHRASE: randomUUID(),
    USER: 'operator',
    OUTRIDER: checkout,
    OUTRIDER_ROOT: checkout,
    OUTRIDER_DATA: data,
  };
}

/** A command that only looks may be asked again until the fleet has come so far; one that changes something is said once. */
const LOOKS =
  /^(outrider (status|top|doctor|(rollout|device|release|decision|evidence|audit) (list|show|identity|explain|reports|verify))|curl)\b/;

/** The rule looks once a minute, and a halt needs one look and a rollback another; on a busy machine. */
const STEP_MS_MAX = 180_000;
const AGAIN_MS = 300;

interface Place {
  readonly page: string;
  readonly step: PageStep;
}

async function take(shell: Shell, data: string, { page, step }: Place): Promise<void> {
  // A server that was told to end a line ago has removed its file, perhaps; not every command needs it.
  const command = step.command.replaceAll(DEFAULT_URL, () => urlIn(data));
  if (/ up\b.*&$/.test(command)) {
    await runBeside(shell, command.slice(0, -1));
    return;
  }
  const deadline = AbortSignal.timeout(STEP_MS_MAX);
  let said = await runToEnd(shell, command);
  while (LOOKS.test(command) && !saysLoosely(said.text, step.expected) && !deadline.aborted) {
    await elapse(AGAIN_MS);
    said = await runToEnd(shell, command);
  }
  const place = `${page}:${step.line}\n$ ${command}`;
  assert.ok(
    saysLoosely(said.text, step.expected),
    `${place}\nsaid:\n${said.text}\nthe page says:\n${step.expected.join('\n')}`,
  );
  // A refusal that a page shows is what it promises; any other failure is not.
  if (!said.text.includes('outrider: ')) assert.equal(said.code, 0, `${place}\nended with ${said.code}:\n${said.text}`);
}

function urlIn(data: string): string {
  const { url }: { readonly url: string } = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8'));
  return url;
}

function runToEnd(shell: Shell, command: string): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-e', '-c', command], {
      cwd: shell.folder,
      env: shell.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (part: Buffer) => {
        text += part.toString('utf8');
      });
    }
    child.on('error', reject);
    // What a script leaves running in the background must write to files of its own.
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** A server of a page: it goes on beside what follows. */
async function runBeside(shell: Shell, command: string): Promise<void> {
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: shell.folder,
    env: shell.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  shell.children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      said += part.toString('utf8');
    });
  }
  await until(`\`${command}\` is ready: ${said}`, () => {
    assert.equal(child.exitCode, null, said);
    return said.includes('Outrider is ready');
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(STEP_MS_MAX);
  while (!holds()) {
    if (deadline.aborted) assert.fail(`Waited ${STEP_MS_MAX} ms, and not yet: ${what}`);
    await elapse(AGAIN_MS / 3);
  }
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // ESRCH: it has ended already.
  }
}
