// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { type LogLines, logLines } from '@outrider/adapters/shared/log-lines';
import { tiedEnvironment } from '@outrider/adapters/shared/starter';
import { elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';
import { fileFailure } from './files.ts';
import { findProgram } from './programs.ts';
import type { ChildProgram } from './world.ts';

/** One Ctrl-C arrives more than once: from the terminal, and again from the launcher above this process. */
const SAME_GESTURE_MS = 1_000;

/**
 * Runs one of the programs with this runtime. It has a process group of its own, so that Ctrl-C reaches it once and
 * through this process, which waits for its end: nothing is left behind. A second Ctrl-C is handed on too, a third ends
 * it. When this process is killed, the child notices and stops. Gives its exit code, 1 when a signal ended it.
 */
export async function runChild(program: ChildProgram): Promise<number> {
  const main = findProgram(program.name);
  const logFd = program.logFile === undefined ? undefined : openLog(program.logFile);
  return await new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [...RUNTIME_FLAGS, ...(FLEET_FLAGS.get(program.name) ?? []), main, ...program.parameters],
      {
        stdio: ['inherit', 'inherit', logFd !== undefined ? 'pipe' : 'inherit'],
        detached: true,
        env: tiedEnvironment(),
      },
    );
    if (child.stderr !== null && logFd !== undefined) splitLines(child.stderr, logLines(logFd));
    const stop = stopper(child);
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
    function end(code: number): void {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop);
      if (logFd !== undefined) closeSync(logFd);
      resolve(code);
    }
    child.on('error', (cause) => {
      process.stderr.write(`outrider: The ${program.name} could not be started: ${cause.message}\n`);
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    throw fileFailure(cause, 'log', path, 'written');
  }
}

/** A child that was asked twice to stop and still runs is ended by the third gesture. */
const PATIENCE = 2;

function stopper(child: ChildProcess): () => void {
  const clock = monotonicClock();
  let asked = 0;
  let lastAskedAt: MachineInstant | undefined;
  return () => {
    const now = clock.now();
    const isSameGesture = lastAskedAt !== undefined && elapsedMs(lastAskedAt, now) < SAME_GESTURE_MS;
    lastAskedAt = now;
    if (isSameGesture) return;
    asked++;
    child.kill(asked > PATIENCE ? 'SIGKILL' : 'SIGTERM');
  };
}

const RUNTIME_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** A simulated fleet makes short-lived values by the gigabyte: with room for them a run spends a tenth less. */
const FLEET_FLAGS: ReadonlyMap<string, readonly string[]> = new Map([
  ['demonstration', ['--min-semi-space-size=32', '--max-semi-space-size=64']],
]);

/** Lines of JSON are the log; everything else is meant for the person. */
function splitLines(stderr: Readable, log: LogLines): void {
  createInterface({ input: stderr }).on('line', (line) => {
    if (line.startsWith('{')) log.write(`${line}\n`);
    else process.stderr.write(`${line}\n`);
  });
}
