// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomSecret } from '@outrider/adapters/shared/random';
import { run } from './run.ts';
import type { ChildProgram, World } from './world.ts';

/** A command line in a folder of its own, with everything it says recorded: for tests. */
export interface RecordedWorld {
  readonly folder: string;
  /** Runs one command line. */
  run(...parameters: string[]): Promise<Ran>;
  remove(): void;
}

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly log: string;
  /** Programs it would have started. */
  readonly started: readonly ChildProgram[];
}

/** Makes a world whose only outside is a temporary folder, the loopback network and what `options` give it. */
export function recordedWorld(
  options: {
    readonly environment?: World['environment'];
    readonly input?: readonly string[];
    readonly childCode?: number;
    readonly interruption?: AbortSignal;
    readonly terminal?: World['openTerminal'];
  } = {},
): RecordedWorld {
  const passphrase = randomSecret();
  const folder = mkdtempSync(join(tmpdir(), 'outrider-cli-'));
  return {
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    async run(...parameters) {
      const [output, log, started]: [string[], string[], ChildProgram[]] = [[], [], []];
      const code = await run(
        {
          root: folder,
          environment: { OUTRIDER_PASSPHRASE: passphrase, ...options.environment },
          workingFolder: folder,
          write: (text) => output.push(text),
          writePiece: async (piece) => void output.push(piece),
          log: (line) => log.push(line),
          inputLines: async function* inputLines() {
            yield* options.input ?? [];
          },
          fetch,
          ...(options.terminal === undefined ? {} : { openTerminal: options.terminal }),
          interruption: () => options.interruption ?? new AbortController().signal,
          runProgram: async (program) => {
            started.push(program);
            return options.childCode ?? 0;
          },
        },
        parameters,
      );
      return { code, output: output.join(''), log: log.join('\n'), started };
    },
  };
}

/** Lets a server of a test listen, and answers with the flags by which a command finds it. */
export async function connectionTo(server: Server): Promise<readonly string[]> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server of the test has no port');
  return ['--server', `http://127.0.0.1:${address.port}`, '--token', 'secret'];
}
