// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';

/** How connections are had: set up anew for each check-in, taken up again by a ticket, or kept. */
export type Manner = 'new' | 'resumed' | 'keep-alive';

export interface Load {
  readonly port: number;
  readonly roots: string;
  readonly chain: string;
  readonly key: KeyObject;
  readonly manner: Manner;
  readonly requests: number;
  readonly connections: number;
  /** The body of a check-in with this sequence number. */
  readonly bodyOf: (sequence: number) => string;
}

/** Sends so many check-ins and gives how long each took, in milliseconds, connection included. */
export async function send(load: Load): Promise<readonly number[]> {
  const took: number[] = [];
  let left = load.requests;
  const tickets: Buffer[] = [];
  async function one(): Promise<void> {
    let kept: Connection | undefined;
    while (left-- > 0) {
      const began = performance.now();
      const ticket = load.manner === 'resumed' ? tickets.pop() : undefined;
      const connection = kept ?? (await open(load, ticket, (next) => tickets.push(next)));
      await connection.ask(load.bodyOf(++sequence));
      took.push(performance.now() - began);
      if (load.manner === 'keep-alive') kept = connection;
      else await connection.close();
    }
    await kept?.close();
  }
  if (load.manner === 'resumed') {
    // Tickets to begin with: not measured.
    for (let index = 0; index < load.connections; index++) {
      const connection = await open(load, undefined, (next) => tickets.push(next));
      await connection.ask(load.bodyOf(++sequence));
      await connection.close();
    }
  }
  await Promise.all(Array.from({ length: load.connections }, one));
  return took;
}

let sequence = 0;

interface Connection {
  ask(body: string): Promise<void>;
  close(): Promise<void>;
}

function open(load: Load, session: Buffer | undefined, onTicket: (ticket: Buffer) => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port: load.port,
      ca: load.roots,
      cert: load.chain,
      key: load.key.export({ format: 'pem', type: 'pkcs8' }),
      minVersion: 'TLSv1.3',
      ...(session === undefined ? {} : { session }),
    });
    let waiting: ((fault?: Error) => void) | undefined;
    let text = '';
    socket.setEncoding('latin1');
    socket.on('session', onTicket);
    socket.on('error', (cause) => {
      reject(cause);
      waiting?.(cause);
    });
    socket.on('close', () => waiting?.(new Error('The connection was closed before the answer')));
    socket.on('data', (part: string) => {
      text += part;
      const length = /content-length: (\d+)/i.exec(text);
      const head = text.indexOf('\r\n\r\n');
      if (length === null || head < 0 || text.length < head + 4 + Number(length[1])) return;
      const isOk = text.startsWith('HTTP/1.1 200');
      const done = waiting;
      waiting = undefined;
      const seen = text.slice(0, 400);
      text = '';
      done?.(isOk ? undefined : new Error(seen));
    });
    socket.once('secureConnect', () => {
      if (session !== undefined && !socket.isSessionReused()) return reject(new Error('The session was not taken up'));
      resolve({
        ask: (body) =>
          new Promise((answered, failed) => {
            waiting = (fault) => (fault === undefined ? answered() : failed(fault));
            socket.write(
              `POST /v1/check-in HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
            );
          }),
        close: () =>
          new Promise((closed) => {
            socket.once('close', () => closed());
            socket.end();
          }),
      });
    });
  });
}
