// SPDX-License-Identifier: Apache-2.0
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A connection to a server that is measured. */
export function opened(where: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(where);
    socket.setNoDelay(true);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

interface Answer {
  readonly status: number;
  /** Of head and body. */
  readonly bytes: number;
  readonly body: string;
}

/** One request after the other over one connection; answers have a Content-Length, as both servers give them. */
export function exchanges(socket: Socket): (request: string) => Promise<Answer> {
  let waiting: ((answer: Answer) => void) | undefined;
  let fail: ((cause: Error) => void) | undefined;
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    const head = text.indexOf('\r\n\r\n');
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(text.slice(0, head))?.[1];
    const end = head + 4 + Number(length ?? 0);
    if (text.length < end) return;
    const answer = { status: Number(text.slice(9, 12)), bytes: end, body: text.slice(head + 4, end) };
    text = text.slice(end);
    waiting?.(answer);
  });
  socket.on('error', (cause) => fail?.(cause));
  socket.on('close', () => fail?.(new Error('The server closed a connection')));
  return (request) =>
    new Promise((resolve, reject) => {
      waiting = resolve;
      fail = reject;
      socket.write(request, 'latin1');
    });
}
