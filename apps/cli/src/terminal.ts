// SPDX-License-Identifier: Apache-2.0

/** A terminal that a person sits at: a screen to draw on and keys to be pressed. */
export interface Terminal {
  readonly columns: () => number;
  readonly rows: () => number;
  readonly write: (text: string) => void;
  /** Keys as they are pressed, each a text; without echo, until `close`. */
  readonly onKey: (listener: (key: string) => void) => void;
  readonly onResize: (listener: () => void) => void;
  /** Hands the keyboard back. */
  readonly close: () => void;
}

/** What of a process makes up its terminal. */
interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

const COLUMNS_UNKNOWN = 80;
const ROWS_UNKNOWN = 24;

/** Takes keyboard and screen, or undefined where one of both is no terminal. */
export function openTerminal({ stdin, stdout }: Streams): Terminal | undefined {
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  const endings: (() => void)[] = [];
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return {
    columns: () => stdout.columns ?? COLUMNS_UNKNOWN,
    rows: () => stdout.rows ?? ROWS_UNKNOWN,
    write: (text) => void stdout.write(text),
    onKey(listener) {
      stdin.on('data', listener);
      endings.push(() => stdin.off('data', listener));
    },
    onResize(listener) {
      stdout.on('resize', listener);
      endings.push(() => stdout.off('resize', listener));
    },
    close() {
      for (const end of endings.splice(0)) end();
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

/** Asks for one line on the terminal without echo; undefined where nobody sits at one. Ctrl-C gives it up. */
export function askSecret(
  { stdin, stderr }: Pick<Streams, 'stdin'> & { readonly stderr: NodeJS.WriteStream },
  question: string,
): Promise<string | undefined> {
  if (!stdin.isTTY || !stderr.isTTY) return Promise.resolve(undefined);
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve) => {
    let typed = '';
    function end(answer: string | undefined): void {
      stdin.off('data', take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(answer);
    }
    function take(keys: string): void {
      for (const key of keys) {
        const isDone = key === '\r' || key === '\n';
        if (isDone || key === '\u0003' || key === '\u0004') {
          end(isDone ? typed : undefined);
          return;
        }
        typed = key === '\u007f' ? typed.slice(0, -1) : typed + key;
      }
    }
    stdin.on('data', take);
  });
}
