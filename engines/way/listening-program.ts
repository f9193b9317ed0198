// SPDX-License-Identifier: Apache-2.0
import type { ChildProcessByStdio } from 'node:child_process';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { delay } from '@outrider/adapters/shared/delay';

/** A program of somebody else's that listens at a port, until it is closed. */
export interface ListeningProgram {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** How long it may take to listen: the machine may be busy. */
const START_MS = 60_000;

/** Waits until a program that was just started listens at its port. Rejects, with its name, when it ends or takes too long. */
export async function listeningProgram(
  child: ChildProcessByStdio<null, Readable, Readable>,
  {
    name,
    port,
    log = () => {},
  }: { readonly name: string; readonly port: number; readonly log?: (line: string) => void },
): Promise<ListeningProgram> {
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => log(part.toString()));
  const until = performance.now() + START_MS;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    if (performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not listen within ${START_MS} ms`);
    }
    await delay(50);
  }
  return {
    port,
    pid: child.pid ?? 0,
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
