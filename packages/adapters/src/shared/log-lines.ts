// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { wallClock } from './clock.ts';
import { errorCode } from './files.ts';

/** The code of the line that says how many are missing before it. */
export const LOG_LEFT_OUT = 'log-left-out';

/** Where the lines of a log go. */
export interface LogLines {
  /** `line` ends with its newline. Never throws: a program goes on where its log cannot. */
  write(line: string): void;
}

/**
 * Writes lines to an open file, pipe or terminal, each before the call returns. What cannot be written is left out and counted, and
 * the next line that can be is preceded by one that says so: a full disk must neither end the server nor make its log look whole.
 */
export function logLines(fd: number): LogLines {
  let leftOut = 0;
  return {
    write(line) {
      const note = leftOut === 0 ? '' : noteOf(leftOut);
      // Who did not read the line before is not waited for again.
      if (isWritten(fd, `${note}${line}`, leftOut === 0 ? WAITS_MAX : 0)) leftOut = 0;
      else leftOut++;
    },
  };
}

/** The line before may have been cut. */
function noteOf(lines: number): string {
  const time = new Date(wallClock().now()).toISOString();
  const fields = { level: 'warn', time, stage: 'server', code: LOG_LEFT_OUT, lines };
  return `\n${JSON.stringify({ ...fields, msg: 'The log could not be written, and these lines are missing before this one' })}\n`;
}

function isWritten(fd: number, text: string, waitsMax: number): boolean {
  let rest: Uint8Array = Buffer.from(text);
  for (let waits = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (cause) {
      const code = errorCode(cause);
      if (code === undefined) throw cause;
      if (code !== 'EAGAIN' || waits === waitsMax) return false;
      waits++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    }
  }
  return true;
}

/** A reader of a full pipe has this long for one line: a tenth of a second in which nothing else goes on. */
const WAITS_MAX = 20;
const WAIT_MS = 5;
