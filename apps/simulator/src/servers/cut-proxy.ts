// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A network between two programs that can be cut: a port of ours that carries bytes to another one. */
export interface CutProxy {
  readonly port: number;
  /**
   * `open`: carries everything. `cut`: every connection breaks, and each new one at once. `silent`: nothing arrives and nothing
   * breaks, as behind a router that swallows all; what was sent arrives once it is open again.
   */
  set(state: 'open' | 'cut' | 'silent'): void;
  close(): Promise<void>;
}

export async function openCutProxy(target: { readonly host: string; readonly port: number }): Promise<CutProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: 'open' | 'cut' | 'silent' = 'open';

  function carry([client, server]: readonly [Socket, Socket]): void {
    client.pipe(server);
    server.pipe(client);
  }

  function hold([client, server]: readonly [Socket, Socket]): void {
    client.unpipe(server).pause();
    server.unpipe(client).pause();
  }

  const listener: Server = createServer((client) => {
    if (state === 'cut') return void client.destroy();
    const server = connect(target);
    const pair = [client, server] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    if (state === 'open') carry(pair);
    else hold(pair);
  });
  const port = await listening(listener);

  return {
    port,
    set(next) {
      // To pipe what is piped already would carry every byte twice: to a database, questions and answers that are not of each other.
      if (next === state) return;
      state = next;
      for (const pair of pairs) {
        if (next === 'open') carry(pair);
        else hold(pair);
        if (next === 'cut') for (const socket of pair) socket.destroy();
      }
    },
    close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}

/** Opens a listener on a free port of the loopback interface. */
export function listening(listener: Server, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', () => {
      const address = listener.address();
      if (address === null || typeof address === 'string') reject(new Error('A listening TCP socket has no port'));
      else resolve(address.port);
    });
  });
}
