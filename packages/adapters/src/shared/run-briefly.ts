// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { errorCode } from './files.ts';

/** How a program is asked one thing. */
export interface BriefProgram {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** All that it reads. */
  readonly input: Uint8Array;
  readonly timeoutMs: number;
}

/** Why it gave no answer. */
export interface ProgramFault {
  readonly code: 'program-missing' | 'program-failed' | 'program-slow';
  /** What became of it. */
  readonly detail: string;
  /** The end of what it said on standard error, on one line. */
  readonly said: string;
}

/** A signature, a public key, a sentence: what a program says that was asked one thing. */
const OUTPUT_BYTES_MAX = 65_536;
const SAID_CHARACTERS_MAX = 300;

/** Runs it to its end, or ends it and all that it started when its time is over. Answers its standard output. */
export function runBriefly(asked: BriefProgram): Promise<Result<Buffer, ProgramFault>> {
  const { program, parameters, environment, input, timeoutMs } = asked;
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { env: environment, stdio: 'pipe', detached: true });
    let [output, errors, isSlow] = [Buffer.alloc(0), Buffer.alloc(0), false];
    const timer = setTimeout(() => {
      isSlow = true;
      endGroup(child.pid);
    }, timeoutMs);
    const end = (fault: Omit<ProgramFault, 'said'> | undefined) => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(fault === undefined ? ok(output) : err({ ...fault, said: endOf(errors) }));
    };
    child.stdout.on('data', (part: Buffer) => {
      if (output.byteLength < OUTPUT_BYTES_MAX) output = Buffer.concat([output, part]);
    });
    child.stderr.on('data', (part: Buffer) => {
      errors = Buffer.concat([errors, part]).subarray(-OUTPUT_BYTES_MAX);
    });
    // One that does not read what it is given is told by how it ends.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', (cause) => {
      const isMissing = errorCode(cause) === 'ENOENT';
      end({ code: isMissing ? 'program-missing' : 'program-failed', detail: `could not be started: ${cause.message}` });
    });
    child.on('close', (code, signal) => {
      if (isSlow) return end({ code: 'program-slow', detail: `gave no answer within ${timeoutMs / 1_000} s` });
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      end(code === 0 ? undefined : { code: 'program-failed', detail: how });
    });
  });
}

function endOf(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .trim()
    .replaceAll(/\s*\n\s*/g, '; ')
    .slice(-SAID_CHARACTERS_MAX);
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (cause) {
    // Nobody is left in the group.
    if (errorCode(cause) !== 'ESRCH') throw cause;
  }
}
