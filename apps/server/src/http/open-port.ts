// SPDX-License-Identifier: Apache-2.0
import { type AddressInfo, createServer, type ListenOptions, type Server as NetServer, type Socket } from 'node:net';
import { errorCode } from '@outrider/adapters/shared/files';
import { err, ok, type Result } from '@outrider/domain/kernel/result';

export type ListenError = { readonly code: 'port-in-use' | 'port-refused' | 'socket-refused'; readonly detail: string };

/** A port at which a server takes connections. */
export interface OpenPort {
  readonly port: number;
  /** Takes no more connections; resolves when those that were taken have ended. */
  close(): Promise<void>;
}

/**
 * Connections that the kernel sets up before the server takes them; it cuts the number at net.core.somaxconn. Node's 511 are too few for a fleet that
 * returns in one moment: who is beyond it believes that it is connected, and its first request waits for TCP to repeat itself, twice as long each time.
 */
const ACCEPT_BACKLOG = 8_192;

/**
 * Sockets that listen at one port. The event loop takes one connection of each in a turn (libuv since 1.45), and a turn under load is 50 ms: of a fleet that
 * connects in one moment twenty devices a second would be taken by one, while the others believe that they are connected and wait.
 */
const LISTENING_SOCKETS = 64;

/** Lets a server listen, and names what stands in the way and the flag that chooses another port. */
export async function openPort(
  http: NetServer,
  host: string,
  port: number,
  flag: '--port' | '--tls-port',
): Promise<Result<OpenPort, ListenError>> {
  try {
    // Who shares a port is not told that it is in use: so first as somebody who does not.
    const free = createServer();
    const found = await listening(free, { host, port });
    await closeServer(free);
    return ok(await openShared(http, { host, port: found, backlog: ACCEPT_BACKLOG }));
  } catch (cause) {
    return err(listenError(cause, { host, port, flag }));
  }
}

async function openShared(http: NetServer, address: ListenOptions & { readonly port: number }): Promise<OpenPort> {
  const servers = [http];
  try {
    await listening(http, { ...address, reusePort: true });
  } catch (cause) {
    if (!isUnshared(cause)) throw cause;
    await listening(http, address);
    return { port: address.port, close: () => closeServer(http) };
  }
  async function close(): Promise<void> {
    await Promise.all(servers.map(closeServer));
  }
  try {
    while (servers.length < LISTENING_SOCKETS) {
      const beside = createServer({ allowHalfOpen: true, noDelay: true });
      beside.on('connection', (socket: Socket) => http.emit('connection', socket));
      await listening(beside, { ...address, reusePort: true });
      servers.push(beside);
    }
  } catch (cause) {
    // A port that was not opened is listened at by nobody.
    await close();
    throw cause;
  }
  return { port: address.port, close };
}

/** Sharing a port among sockets is not known on every system: macOS has no such thing. */
function isUnshared(cause: unknown): boolean {
  return errorCode(cause) === 'ENOTSUP';
}

function listening(server: NetServer, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      // A TCP server has an address of this kind once it listens.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Takes no more connections; resolves when those that were taken have ended. */
export function closeServer(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function listenError(
  cause: unknown,
  { host, port, flag }: { readonly host: string; readonly port: number; readonly flag: string },
): ListenError {
  const isInUse = errorCode(cause) === 'EADDRINUSE';
  const reason = cause instanceof Error ? cause.message : String(cause);
  const detail = isInUse
    ? `The port ${port} of ${host} is in use; choose another with ${flag}, or 0 for any free one`
    : `The port ${port} of ${host} cannot be opened (${reason}); choose another with ${flag}`;
  return { code: isInUse ? 'port-in-use' : 'port-refused', detail };
}
