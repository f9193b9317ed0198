// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server as HttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { CaFiles } from '@outrider/adapters/server/ca/ca-folder';
import { readPeer } from '@outrider/adapters/server/ca/peer-certificate';
import { TICKET_LIFE_S, ticketKeys } from '@outrider/adapters/server/ca/ticket-keys';
import { tlsMaterial } from '@outrider/adapters/server/ca/tls-material';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type DurationMs, durationMs } from '@outrider/domain/kernel/time';
import type { Server } from '../compose.ts';
import type { Log, Schedule } from '../ports.ts';
import { answerBrokenRequests } from './broken-request.ts';
import { checkInLane } from './check-in-lane.ts';
import { noCertificate, refusedCertificate } from './client-certificates.ts';
import type { ConnectionGate } from './connection-gate.ts';
import { type CertificateOf, deviceListener } from './device-listener.ts';
import { drainGate } from './draining.ts';
import { paceHandshakes } from './handshake-pace.ts';
import { closeListener, DEVICE_TIMEOUTS } from './listen.ts';
import { type ListenError, openPort } from './open-port.ts';
import type { WakeListener } from './wake-listener.ts';

/** The port at which devices speak mutual TLS with this very program. */
export interface TlsListener {
  readonly url: string;
  close(): Promise<void>;
}

export interface TlsListenOptions {
  readonly server: Pick<Server, 'handleDevice' | 'handleDeviceAtOnce' | 'machineClock'>;
  readonly files: CaFiles;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The wall clock: by it ticket keys change, at the same instant on every gateway. */
  readonly clock: FleetClock;
  readonly schedule: Schedule;
  /** Devices that listen over WebSockets. */
  readonly wakes?: WakeListener;
  /** Who may hold how many connections. Absent: whoever comes is taken. */
  readonly connections?: ConnectionGate;
  /** Told of each connection that was ended before its handshake. */
  readonly onRefused?: (reason: 'handshakes-waiting') => void;
  /** As in `ListenOptions`. */
  readonly drainDelayMs?: DurationMs;
  /** How long a handshake may take. Absent: `HANDSHAKE_MS`. */
  readonly handshakeMs?: DurationMs;
  readonly log: Log;
}

/** As long as a head may take: a handshake is two packets, and a connection that waits for one holds a descriptor. */
const HANDSHAKE_MS = durationMs(15_000);

/** Ticket keys are looked at so often; they change once in `TICKET_LIFE_S`. */
const TICKET_CHECK_MS = durationMs(60_000);

/**
 * Opens the port. Whoever has no certificate may register and order one, and signs its requests as on the open port; a
 * certificate that proves nothing is refused by name in the answer, not by a reset of the connection.
 */
export async function listenWithTls(options: TlsListenOptions): Promise<Result<TlsListener, ListenError>> {
  const { server, files, host, port, clock, schedule, log } = options;
  const http = createServer({
    ...DEVICE_TIMEOUTS,
    ...tlsMaterial(files),
    handshakeTimeout: options.handshakeMs ?? HANDSHAKE_MS,
    requestCert: true,
    // Judged in `certificateOfConnection`: a device must learn why.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    // One context for all gateways, or none would take up a session of another.
    sessionIdContext: 'outrider-devices',
    sessionTimeout: TICKET_LIFE_S,
    ticketKeys: ticketKeys(files.issuingKey, clock.now()).current,
  });
  answerBrokenRequests(http);
  paceHandshakes(http, {
    machineClock: server.machineClock,
    onRefused: () => options.onRefused?.('handshakes-waiting'),
  });
  options.connections?.guard(http);
  options.wakes?.attach(http, certificateOfConnection(files));
  const gate = drainGate(schedule);
  const handler = { handle: server.handleDevice, handleAtOnce: server.handleDeviceAtOnce };
  const certificateOf = certificateOfConnection(files);
  const answer = deviceListener(handler, certificateOf, { log, schedule, isTls: true });
  const lane = checkInLane(http, { handler, certificateOf, gate, machineClock: server.machineClock });
  http.on('request', (request, response) => {
    if (gate.admits(request, response)) answer(request, response);
  });
  // A handshake that fails is the device's to learn: its own side names the fault.
  http.on('tlsClientError', (cause: NodeJS.ErrnoException, socket) => {
    // An answer to it would wait for the end of the handshake, which never comes, and the connection with it.
    if (cause.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') socket.destroy();
    log.debug?.({ stage: 'gateway', code: 'handshake-failed', cause: cause.message }, 'A TLS handshake failed');
  });
  const opened = await openPort(http, host, port, '--tls-port');
  if (!opened.ok) return err(opened.error);
  const stopChanging = changeTicketKeys(http, options);
  return ok({
    url: `https://${host.includes(':') ? `[${host}]` : host}:${opened.value.port}`,
    async close() {
      stopChanging();
      await closeListener(http, { gate, lane, port: opened.value }, options);
    },
  });
}

/** What the connection of a request has shown: found out at its first request, and kept as long as it is open. */
function certificateOfConnection(files: CaFiles): CertificateOf {
  const found = new WeakMap<object, ReturnType<CertificateOf>>();
  return (request) => {
    const named = noCertificate(request);
    if (!named.ok) return named;
    const { socket } = request;
    const known = found.get(socket);
    if (known !== undefined) return known;
    // A server of node:https has sockets of this kind alone.
    const peer = readPeer(socket as TLSSocket, files);
    const judged = peer.ok ? peer : err(refusedCertificate(peer.error));
    found.set(socket, judged);
    return judged;
  };
}

function changeTicketKeys(http: HttpsServer, { files, clock, schedule }: TlsListenOptions): () => void {
  let period = ticketKeys(files.issuingKey, clock.now()).period;
  let cancel = schedule.after(TICKET_CHECK_MS, again);
  function again(): void {
    const next = ticketKeys(files.issuingKey, clock.now());
    if (next.period !== period) http.setTicketKeys(next.current);
    period = next.period;
    cancel = schedule.after(TICKET_CHECK_MS, again);
  }
  return () => cancel();
}
