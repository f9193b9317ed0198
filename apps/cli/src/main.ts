// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { runChild } from './child.ts';
import { run } from './run.ts';

/** The checkout: the launcher names it; without it, three folders above this file. */
const root = process.env.OUTRIDER_ROOT ?? dirname(dirname(dirname(import.meta.dirname)));

// `outrider release list | head` closes the pipe: that is no failure of ours.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0);
  throw cause;
});

process.exitCode = await run(
  {
    root,
    environment: process.env,
    // npm changes to the package's folder and says where the person stood.
    workingFolder: process.env.INIT_CWD ?? process.cwd(),
    write: (text) => process.stdout.write(text),
    log: (line) => process.stderr.write(`${line}\n`),
    inputLines: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    fetch,
    runProgram: (program) => runChild(root, program),
  },
  process.argv.slice(2),
);
