// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream';
import type { LoopTurns } from '@outrider/adapters/shared/loop-turns';

/** What came back over a connection, as far as a device looks at it. */
export interface Answer {
  readonly status: number;
  /** As it stands in the header. */
  readonly retryAfter?: string;
  readonly body: string;
  readonly isLast: boolean;
  /** The longest that it can have lain in this process before it was read. */
  readonly ownLagMs: number;
}

/** An answer is small; what goes on beyond it is none. */
const ANSWER_CHARACTERS_MAX = 100_000;

/** One request after the other over one connection. An answer has a Content-Length, as the gateway gives it. Rejects when there is none. */
export function exchanger(
  socket: Duplex,
  { limitMs, turns }: { readonly limitMs: number; readonly turns: LoopTurns },
): (request: string) => Promise<Answer> {
  let text = '';
  let waiting: { resolve(answer: Answer): void; reject(cause: Error): void } | undefined;
  function fail(cause: Error): void {
    const one = waiting;
    waiting = undefined;
    one?.reject(cause);
  }
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const { waitedMs: ownLagMs } = turns.enter();
    text += chunk;
    if (text.length > ANSWER_CHARACTERS_MAX) return fail(new Error('The answer has no end'));
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = text.slice(0, headEnd);
    const end = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (text.length < end) return;
    const retryAfter = /^retry-after: *(.+)$/im.exec(head)?.[1]?.trim();
    const answer: Answer = {
      status: Number(head.slice(9, 12)),
      body: text.slice(headEnd + 4, end),
      isLast: /^connection: *close/im.test(head),
      ownLagMs,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
    text = text.slice(end);
    const one = waiting;
    waiting = undefined;
    one?.resolve(answer);
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The connection was closed')));
  return (request) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('The connection was closed'));
      const limit = setTimeout(() => {
        fail(new Error(`No answer in ${limitMs} ms`));
        socket.destroy();
      }, limitMs);
      waiting = {
        resolve(answer) {
          clearTimeout(limit);
          resolve(answer);
        },
        reject(cause) {
          clearTimeout(limit);
          reject(cause);
        },
      };
      socket.write(request, 'latin1');
    });
}
