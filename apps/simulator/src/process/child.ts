// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { delay } from '@outrider/adapters/shared/delay';
import { tiedEnvironment } from '@outrider/adapters/shared/starter';

/** A program of ours that runs beside us, and ends with us. */
export interface Child {
  readonly pid: number;
  /** Its standard output, line by line. */
  readonly lines: Interface;
  writeLine(text: string): void;
  /** Resolves when it has ended, with what its end looked like. */
  readonly ended: Promise<string>;
  isRunning(): boolean;
  /** Asks it to end, and kills it when it has not within the time. */
  stop(): Promise<void>;
  /** Cuts it off at once, as a power cut would. */
  kill(): Promise<void>;
}

/** Programs promise to end in under five seconds; twice that on a busy machine. */
const STOP_LIMIT_MS = 10_000;
const STOP_POLL_MS = 20;

/** Starts a TypeScript program with the Node that runs us; its standard error goes to the end of `logPath`. */
export function startChild(options: {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly logPath: string;
  /** It ends by itself when this process is killed; for programs that call `endWithStarter`. */
  readonly isTied?: boolean;
}): Child {
  const log = openSync(options.logPath, 'a');
  const child = spawn(process.execPath, [options.program, ...options.arguments], {
    stdio: ['pipe', 'pipe', log],
    // A group of its own: Ctrl-C reaches us alone, and we end our children in order.
    detached: true,
    ...(options.isTied === true && { env: tiedEnvironment() }),
  });
  closeSync(log);
  // What ended is told by `ended`; writing to it is then no fault of its own.
  child.stdin?.on('error', () => undefined);
  return { ...streamsOf(child), ...lifeOf(child) };
}

function streamsOf({ stdin, stdout }: ChildProcess): Pick<Child, 'lines' | 'writeLine'> {
  if (stdin === null || stdout === null) throw new TypeError('Expected a child with pipes for its input and output');
  return {
    lines: createInterface({ input: stdout }),
    writeLine: (text) => {
      stdin.write(`${text}\n`);
    },
  };
}

function lifeOf(child: ChildProcess): Pick<Child, 'pid' | 'ended' | 'isRunning' | 'stop' | 'kill'> {
  const ended = endOf(child);
  const isRunning = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  async function kill(): Promise<void> {
    if (isRunning()) child.kill('SIGKILL');
    await ended;
  }
  return {
    // Without a pid it was never started: `ended` says why.
    pid: child.pid ?? 0,
    ended,
    isRunning,
    kill,
    async stop() {
      if (!isRunning()) return;
      child.kill('SIGTERM');
      for (let waitedMs = 0; isRunning() && waitedMs < STOP_LIMIT_MS; waitedMs += STOP_POLL_MS)
        await delay(STOP_POLL_MS);
      await kill();
    },
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    await once(child, 'exit');
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
  return child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
}
