// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endWithStarter } from '@outrider/adapters/shared/starter';
import { runChild } from './child.ts';
import { defaultRoot } from './programs.ts';
import { run } from './run.ts';
import { askSecret, openTerminal } from './terminal.ts';

endWithStarter();

/** npm changes to the package's folder and says where the person stood. */
const workingFolder = process.env.INIT_CWD ?? process.cwd();

// `outrider release list | head` closes the pipe: that is no failure of ours.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0);
  throw cause;
});

function writePieceTo(stream: NodeJS.WriteStream): (piece: string) => Promise<void> {
  return async (piece) => {
    if (!stream.write(piece)) await once(stream, 'drain');
  };
}

process.exitCode = await run(
  {
    // The launcher of the checkout names it.
    root: process.env.OUTRIDER_ROOT ?? defaultRoot(workingFolder),
    environment: process.env,
    workingFolder,
    write: (text) => process.stdout.write(text),
    writePiece: writePieceTo(process.stdout),
    ...(process.stderr.isTTY ? { progress: (line: string) => process.stderr.write(`\r\u001b[K${line}`) } : {}),
    log: (line) => process.stderr.write(`${line}\n`),
    inputLines: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    fetch,
    openTerminal: () => openTerminal(process),
    askSecret: (question) => askSecret(process, question),
    interruption,
    runProgram: (program) => runChild(program),
  },
  process.argv.slice(2),
);

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}
