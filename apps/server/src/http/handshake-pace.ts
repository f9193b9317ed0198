// SPDX-License-Identifier: Apache-2.0
import type { Server as NetServer, Socket } from 'node:net';
import { afterThisRound } from '@outrider/adapters/shared/delay';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { elapsedMs } from '@outrider/domain/kernel/time';

/** Handshakes that are begun in one turn of the event loop: each costs some two milliseconds, and all else waits for them. */
const BEGUN_EACH_TURN = 4;
/** After a turn that took longer only one is begun: those begun before are not through yet, and each has a second half. */
const LONG_TURN_MS = 20;
/** Those who wait for their turn, a quarter of a second: whoever comes then is cut off at once, before anything is done for it. */
const WAITING_MAX = 128;

/**
 * Begins the handshakes of a server for TLS a few at a time. After an outage a whole fleet connects in one moment; without this its
 * handshakes are one turn of seconds, and every device that has a connection waits for it. Whoever finds no room is cut off, and
 * comes again by its back-off. To be called before the server listens, and before a gate that counts connections.
 */
export function paceHandshakes(
  http: NetServer,
  { machineClock, onRefused }: { readonly machineClock: MachineClock; readonly onRefused: () => void },
): void {
  const listeners = http.listeners('connection');
  const waiting: Socket[] = [];
  let begunInTurn = 0;
  let turnBeganAt = machineClock.now();

  function begin(socket: Socket): void {
    // It may have gone away while it waited.
    if (socket.destroyed) return;
    if (begunInTurn === 0) {
      turnBeganAt = machineClock.now();
      afterThisRound(nextTurn);
    }
    begunInTurn++;
    for (const listener of listeners) listener.call(http, socket);
  }

  function nextTurn(): void {
    const begunMax = elapsedMs(turnBeganAt, machineClock.now()) > LONG_TURN_MS ? 1 : BEGUN_EACH_TURN;
    begunInTurn = 0;
    while (begunInTurn < begunMax) {
      const socket = waiting.shift();
      if (socket === undefined) return;
      begin(socket);
    }
  }

  http.removeAllListeners('connection');
  http.on('connection', (socket: Socket) => {
    if (waiting.length === 0 && begunInTurn < BEGUN_EACH_TURN) {
      begin(socket);
      return;
    }
    if (waiting.length >= WAITING_MAX) {
      onRefused();
      socket.destroy();
      return;
    }
    socket.on('error', () => {});
    waiting.push(socket);
  });
}
