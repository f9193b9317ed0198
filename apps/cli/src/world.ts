// SPDX-License-Identifier: Apache-2.0
import type { ProgramName } from './programs.ts';
import type { Terminal } from './terminal.ts';

/** Everything a command needs of the world beside files: handed over by `main.ts`, and by tests. */
export interface World {
  /** The root of the checkout, or, installed, the folder the person stands in: data lies there by default. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths on the command line start here. */
  readonly workingFolder: string;
  /** Results: standard output. */
  readonly write: (text: string) => void;
  /** A result that is made piece by piece: waits while whoever reads standard output is slower. */
  readonly writePiece: (piece: string) => Promise<void>;
  /** Redraws one line of standard error; absent where that is no terminal. An empty text takes the line away. */
  readonly progress?: (line: string) => void;
  /** Progress and failures: standard error, one line a call. */
  readonly log: (line: string) => void;
  /** Standard input, line by line. */
  readonly inputLines: () => AsyncIterable<string>;
  /** Asks the person at the terminal for a secret, without echo; absent, or nothing, where nobody sits at one. */
  readonly askSecret?: (question: string) => Promise<string | undefined>;
  readonly fetch: typeof fetch;
  /** Takes keyboard and screen; absent, or nothing, where nobody sits at a terminal. */
  readonly openTerminal?: () => Terminal | undefined;
  /** Aborted by Ctrl-C or SIGTERM from now on, which then end nothing by themselves: for work that must clean up. */
  readonly interruption: () => AbortSignal;
  /** Runs one of the programs with this runtime until it ends; Ctrl-C reaches it first. Gives its exit code. */
  readonly runProgram: (program: ChildProgram) => Promise<number>;
}

export interface ChildProgram {
  readonly name: ProgramName;
  readonly parameters: readonly string[];
  /** Where lines of JSON on its standard error go; everything else it says is shown. Absent: all is shown. */
  readonly logFile?: string;
}
