// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import process from 'node:process';

/** Where and as whom programs run; the commands are found on `path` alone. */
export interface Place {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What stands before each command line, for example another user or no network. */
  readonly wrapper: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly log: string;
}

/** A command that takes longer than this hangs: the slowest, an installation from the registry, takes some seconds. */
const COMMAND_MS_MAX = 180_000;

/** Runs one command to its end. */
export async function runIn(place: Place, command: readonly string[]): Promise<Ended> {
  const child = start(place, command);
  const [output, log] = [collect(child.stdout), collect(child.stderr)];
  const cut = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS_MAX);
  try {
    const code = await ended(child);
    return { code, output: output(), log: log() };
  } finally {
    clearTimeout(cut);
  }
}

/** The output of one command that must end with 0; anything else throws with all that it said. */
export async function said(place: Place, command: readonly string[]): Promise<string> {
  const { code, output, log } = await runIn(place, command);
  if (code === 0) return output;
  throw new Error(`\`${command.join(' ')}\` ended with ${code}:\n${output}${log}`);
}

/** A program that goes on until it is stopped. */
export interface Running {
  /** Everything on both its outputs so far. */
  said(): string;
  hasEnded(): boolean;
  /** Asks it to stop, waits, and gives its exit code. */
  stop(): Promise<number | null>;
}

export function startIn(place: Place, command: readonly string[]): Running {
  const child = start(place, command);
  const [output, log] = [collect(child.stdout), collect(child.stderr)];
  const exit = ended(child);
  return {
    said: () => output() + log(),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      const code = await exit;
      clearTimeout(cut);
      return code;
    },
  };
}

/** The server promises five seconds; the machine may be busy with other tests. */
const STOP_MS_MAX = 20_000;

/** Opens the keys that are made on the way. */
const OUTRIDER_PASSPHRASE = randomUUID();

function start({ folder, environment, wrapper }: Place, command: readonly string[]): ChildProcess {
  const [program = '', ...parameters] = [...wrapper, ...command];
  return spawn(program, parameters, {
    cwd: folder,
    env: { OUTRIDER_PASSPHRASE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close');
  return code;
}

function collect(stream: ChildProcess['stdout']): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** What every program finds around it, whoever starts the tests: nothing of theirs but the way to programs. */
export function bareEnvironment(path: string): Readonly<Record<string, string>> {
  const { TMPDIR = '/tmp', NODE_COMPILE_CACHE } = process.env;
  return {
    ...{ PATH: path, HOME: '/nonexistent', LANG: 'C.UTF-8', TZ: 'UTC', TMPDIR },
    // Of the programs that follow one another in a test each would compile the same files again.
    ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }),
  };
}
