// SPDX-License-Identifier: Apache-2.0

import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WakeSocket, wakeSocketServer } from '@outrider/adapters/server/wake-sockets';
import { durationMs } from '@outrider/domain/kernel/time';
import { encodeWakeAnswer } from '@outrider/protocol/gateway/wake';
import { type DeviceRequest, type DeviceResponse, problemResponse } from '../gateway/device-request.ts';
import type { WakeEnd } from '../gateway/wake-desk.ts';
import type { Wakes } from '../gateway/wakes.ts';
import type { Log, Schedule } from '../ports.ts';
import type { CertificateOf } from './device-listener.ts';

/** WebSockets of devices that listen, over all ports of a server. */
export interface WakeListener {
  /** Takes WebSockets on this server too. */
  attach(http: HttpServer, certificateOf: CertificateOf): void;
  /** Everybody is told to go elsewhere; nobody new is taken. */
  leave(): void;
  /** Cuts those who have not gone. */
  end(): void;
}

/** Each connection is probed so often: below the five minutes after which the tightest of carriers forget an idle one. */
const PROBE_EVERY_MS = 240_000;
/** In so many parts, so that no turn of the loop has more than a few to do. */
const PARTS = 240;

/** RFC 6455 §7.4.1 and the registry beside it: against the policy; the service restarts. A newer connection is nobody's fault. */
const CLOSED_BY: Readonly<Record<WakeEnd, number>> = { replaced: 1_000, revoked: 1_008, elsewhere: 1_012 };
const CHECK_IN = encodeWakeAnswer({ kind: 'check-in' });

export function wakeListener(options: {
  readonly wakes: Pick<Wakes, 'admit' | 'listen' | 'leave'>;
  readonly schedule: Schedule;
  readonly log: Log;
}): WakeListener {
  const { wakes, schedule, log } = options;
  const server = wakeSocketServer();
  const parts = Array.from({ length: PARTS }, () => new Set<WakeSocket>());
  let part = 0;
  let isProbing = false;
  let isLeaving = false;

  function probeNext(): void {
    part = (part + 1) % PARTS;
    for (const socket of parts[part] ?? []) socket.probe();
    isProbing = parts.some(({ size }) => size > 0);
    if (isProbing) schedule.after(durationMs(PROBE_EVERY_MS / PARTS), probeNext);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, certificateOf: CertificateOf) {
    const certificate = certificateOf(request);
    if (!certificate.ok) return refuse(socket, certificate.error);
    const { method = '', url: path = '', headers } = request;
    const asked: DeviceRequest = {
      method,
      path,
      headers,
      body: '',
      ...(certificate.value && { certificate: certificate.value }),
    };
    const admitted = await wakes.admit(asked);
    if (!admitted.ok) return refuse(socket, admitted.error);
    if (socket.destroyed) return;
    server.accept({ request, socket, head }, (opened) => {
      // The part that comes last: a new connection is probed when its time is over.
      const own = parts[part] ?? new Set();
      const unlisten = wakes.listen(admitted.value, {
        call: () => opened.send(CHECK_IN),
        end: (why) => opened.close(CLOSED_BY[why], why),
      });
      if (unlisten === undefined) {
        opened.close(CLOSED_BY.elsewhere, 'elsewhere');
        return () => {};
      }
      own.add(opened);
      if (!isProbing) {
        isProbing = true;
        schedule.after(durationMs(PROBE_EVERY_MS / PARTS), probeNext);
      }
      return () => {
        own.delete(opened);
        unlisten();
      };
    });
  }

  return {
    attach(http, certificateOf) {
      http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.on('error', () => {});
        if (isLeaving) return refuse(socket, GONE);
        upgrade(request, socket, head, certificateOf).catch((cause: unknown) => {
          log.error(
            { stage: 'gateway', code: 'internal-error', err: cause },
            'A WebSocket of a device could not be opened',
          );
          socket.destroy();
        });
      });
    },
    leave() {
      isLeaving = true;
      wakes.leave();
    },
    end() {
      for (const sockets of parts) for (const socket of sockets) socket.cut();
    },
  };
}

const GONE = problemResponse({
  code: 'shutting-down',
  detail: 'The server is stopping; listen again, and come to another one',
  headers: { 'retry-after': '5' },
});

/** An answer by HTTP to a request for a WebSocket that is not to be. */
function refuse(socket: Duplex, { status, headers, body }: DeviceResponse): void {
  const text = typeof body === 'string' ? body : '';
  const fields = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(text)), connection: 'close' });
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}
