// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ChildProgram } from './world.ts';

/** A child that was asked to stop is asked again by the second Ctrl-C, and ended by the third. */
const PATIENCE = 2;

/**
 * Runs a program of the checkout with this runtime. Ctrl-C and SIGTERM are handed to it, and this process waits for its
 * end, so that nothing is left behind. Gives its exit code, 1 when a signal ended it.
 */
export function runChild(root: string, program: ChildProgram): Promise<number> {
  return new Promise((resolve) => {
    const isLogging = program.logFile !== undefined;
    const child = spawn(process.execPath, [...RUNTIME_FLAGS, join(root, program.path), ...program.parameters], {
      stdio: ['inherit', 'inherit', isLogging ? 'pipe' : 'inherit'],
    });
    const log =
      program.logFile === undefined ? undefined : createWriteStream(program.logFile, { flags: 'a', mode: 0o600 });
    if (child.stderr !== null && log !== undefined) splitLines(child.stderr, log);
    let asked = 0;
    function stop(): void {
      asked++;
      child.kill(asked > PATIENCE ? 'SIGKILL' : 'SIGTERM');
    }
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
    function end(code: number): void {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop);
      log?.end();
      resolve(code);
    }
    child.on('error', (cause) => {
      process.stderr.write(`outrider: ${program.path} could not be started: ${cause.message}\n`);
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

const RUNTIME_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** Lines of JSON are the log; everything else is meant for the person. */
function splitLines(stderr: Readable, log: WriteStream): void {
  createInterface({ input: stderr }).on('line', (line) => {
    if (line.startsWith('{')) log.write(`${line}\n`);
    else process.stderr.write(`${line}\n`);
  });
}
