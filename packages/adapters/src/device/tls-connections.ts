// SPDX-License-Identifier: Apache-2.0
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { ClientRequestArgs } from 'node:http';
import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { faultOfServer } from './server-identity.ts';

/** How a device speaks TLS with a server whose root it has pinned. */
export interface TlsOptions {
  readonly roots: readonly X509Certificate[];
  /** The certificate of the device, PEM with what leads to the root, and its key. Absent: it has none, or shall show none. */
  readonly own?: { readonly chain: string; readonly key: KeyObject };
  readonly now: () => FleetInstant;
  readonly socketsMax: number;
  readonly silenceMaxMs: number;
}

/**
 * Kept connections to one server. Not a byte of a request is written before the server was found to be the right one; sessions are
 * taken up again, which spares both sides the most of a new connection.
 */
export function tlsConnections(options: TlsOptions): Agent {
  return new PinnedAgent(options);
}

/** node:http takes its way to make connections from a method of this class, and from nowhere else. */
class PinnedAgent extends Agent {
  readonly #options: TlsOptions;
  /** The newest ticket: each is used once, as RFC 8446 appendix C.4 asks. */
  #session: Buffer | undefined;

  constructor(options: TlsOptions) {
    super({ keepAlive: true, maxSockets: options.socketsMax, timeout: options.silenceMaxMs });
    this.#options = options;
  }

  override createConnection(
    { host, port }: ClientRequestArgs,
    callback?: (cause: Error | null, socket: Duplex) => void,
  ): undefined {
    const { roots, own, now, silenceMaxMs } = this.#options;
    const hostname = String(host).replace(/^\[|\]$/g, '');
    const session = this.#session;
    this.#session = undefined;
    const socket: TLSSocket = connect({
      host: hostname,
      port: Number(port),
      minVersion: 'TLSv1.3',
      // Judged below: OpenSSL would go by a clock that may stand at 1970.
      rejectUnauthorized: false,
      timeout: silenceMaxMs,
      ...(session === undefined ? {} : { session }),
      ...(own === undefined ? {} : { cert: own.chain, key: own.key.export({ format: 'pem', type: 'pkcs8' }) }),
    });
    const fail = (cause: Error) => callback?.(cause, socket);
    socket.once('error', fail);
    socket.on('session', (ticket) => {
      this.#session = ticket;
    });
    socket.once('timeout', () => socket.destroy(new Error(`The server was silent for ${silenceMaxMs} ms`)));
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      const fault = faultOfServer(socket.getPeerX509Certificate(), { roots, hostname, now: now() });
      if (fault === undefined) return callback?.(null, socket);
      socket.on('error', () => {});
      socket.destroy();
      fail(new Error(fault));
    });
    return undefined;
  }
}
