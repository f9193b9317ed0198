// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import { listenPrivately } from '@outrider/adapters/server/private-socket';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { DurationMs } from '@outrider/domain/kernel/time';
import type { Server } from '../compose.ts';
import type { Log, Schedule } from '../ports.ts';
import { answerBrokenRequests } from './broken-request.ts';
import { checkInLane } from './check-in-lane.ts';
import { certificateOfTerminator } from './client-certificates.ts';
import { deviceListener } from './device-listener.ts';
import { drainGate } from './draining.ts';
import { closeListener, DEVICE_TIMEOUTS } from './listen.ts';
import { closeServer, type ListenError } from './open-port.ts';
import type { WakeListener } from './wake-listener.ts';

/** The socket through which a terminator of TLS hands over requests of devices. */
export interface TerminatorListener {
  close(): Promise<void>;
}

/**
 * Opens a Unix socket that only this user can connect to. Requests that arrive there name the client certificate that the
 * terminator has verified, and need no signature but for evidence; those that name none are signed, as on the open port.
 */
export async function listenToTerminator(options: {
  readonly server: Pick<Server, 'handleDevice' | 'handleDeviceAtOnce' | 'machineClock'>;
  readonly path: string;
  readonly schedule: Schedule;
  /** Devices that listen over WebSockets. */
  readonly wakes?: WakeListener;
  readonly drainDelayMs?: DurationMs;
  readonly log: Log;
}): Promise<Result<TerminatorListener, ListenError>> {
  const { server, path, schedule, log } = options;
  const http = createServer(DEVICE_TIMEOUTS);
  answerBrokenRequests(http);
  options.wakes?.attach(http, certificateOfTerminator);
  const gate = drainGate(schedule);
  const handler = { handle: server.handleDevice, handleAtOnce: server.handleDeviceAtOnce };
  const answer = deviceListener(handler, certificateOfTerminator, { log, schedule, isTls: true });
  const lane = checkInLane(http, {
    ...{ handler, gate, certificateOf: certificateOfTerminator },
    machineClock: server.machineClock,
  });
  http.on('request', (request, response) => {
    if (gate.admits(request, response)) answer(request, response);
  });
  const opened = await listenPrivately(http, path);
  if (!opened.ok) return err({ code: 'socket-refused', detail: opened.error });
  return ok({ close: () => closeListener(http, { gate, lane, port: { close: () => closeServer(http) } }, options) });
}
