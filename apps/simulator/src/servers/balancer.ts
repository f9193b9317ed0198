// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Socket } from 'node:net';
import { delay } from '@outrider/adapters/shared/delay';
import { listening } from './cut-proxy.ts';

/** A TCP balancer with health checks, as haproxy is configured in `deploy/`: connections go round robin to those that are ready. */
export interface Balancer {
  readonly url: string;
  close(): Promise<void>;
}

/** As in deploy/haproxy: asked twice a second; one "no" takes a backend out, one "yes" takes it in. */
const CHECK_EVERY_MS = 500;
const CHECK_MS = 1_000;
const CONNECT_MS = 1_000;

interface Backend {
  readonly url: URL;
  isReady: boolean;
}

export async function openBalancer(urls: readonly string[]): Promise<Balancer> {
  const backends: readonly Backend[] = urls.map((url) => ({ url: new URL(url), isReady: true }));
  const sockets = new Set<Socket>();
  let turn = 0;
  let isClosed = false;

  async function check(backend: Backend): Promise<void> {
    while (!isClosed) {
      try {
        const signal = AbortSignal.timeout(CHECK_MS);
        backend.isReady = (await fetch(new URL('/health/ready', backend.url), { signal })).ok;
      } catch {
        // Refused, or silent: not ready.
        backend.isReady = false;
      }
      await delay(CHECK_EVERY_MS);
    }
  }
  const checks = backends.map(check);

  /** Ready ones first, in turn; where none is, any: an answer may still come. */
  function order(): readonly Backend[] {
    turn++;
    const rotated = backends
      .map((_, index) => backends[(turn + index) % backends.length])
      .filter((one) => one !== undefined);
    const ready = rotated.filter((one) => one.isReady);
    return ready.length > 0 ? ready : rotated;
  }

  async function carry(client: Socket): Promise<void> {
    for (const backend of order()) {
      const server = await reached(backend.url);
      if (server === undefined) {
        backend.isReady = false;
        continue;
      }
      join(client, server);
      return;
    }
    client.destroy();
  }

  function join(client: Socket, server: Socket): void {
    const end = () => {
      client.destroy();
      server.destroy();
      sockets.delete(client).valueOf();
      sockets.delete(server);
    };
    for (const one of [client, server]) {
      sockets.add(one);
      one.on('error', end);
      one.on('close', end);
    }
    client.pipe(server);
    server.pipe(client);
  }

  const listener = createServer((client) => {
    client.setNoDelay(true);
    client.on('error', () => client.destroy());
    void carry(client);
  });
  const port = await listening(listener);
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
      await Promise.all(checks);
    },
  };
}

/** A connection to a backend, or undefined when it refuses or does not answer in time. */
function reached({ hostname, port }: URL): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: CONNECT_MS });
    const give = (up: boolean) => {
      socket.removeAllListeners();
      socket.setTimeout(0);
      if (!up) socket.destroy();
      socket.on('error', () => socket.destroy());
      resolve(up ? socket : undefined);
    };
    socket.setNoDelay(true);
    socket.once('connect', () => give(true));
    socket.once('error', () => give(false));
    socket.once('timeout', () => give(false));
  });
}
