// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** An open WebSocket of a device that listens. */
export interface WakeSocket {
  send(text: string): void;
  /** With a code and a word for the reason (RFC 6455 §7.4). */
  close(code: number, reason: string): void;
  /** Asks whether the device is still there, and cuts the connection when it did not answer the question before. */
  probe(): void;
  cut(): void;
}

/** Larger than any frame of a control kind; a listening device says nothing at all. */
const FRAME_BYTES_MAX = 125;
/** RFC 6455 §7.4.1: what came is against the policy of this server. */
const POLICY_VIOLATION = 1_008;

/** Takes the opening handshakes of WebSockets; what is malformed is answered with 400 and counts for nothing. */
export function wakeSocketServer() {
  const server = new WebSocketServer({
    noServer: true,
    // A list of its own would hold each socket once more.
    clientTracking: false,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
  });
  return {
    /** `onOpen` is not called when the handshake is malformed; `onEnd` once, when an opened one has ended, for whatever reason. */
    accept(
      upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
      onOpen: (socket: WakeSocket) => () => void,
    ): void {
      server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
        const onEnd = onOpen(wakeSocketOf(socket));
        socket.once('close', onEnd);
      });
    },
  };
}

function wakeSocketOf(socket: WebSocket): WakeSocket {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  // Frames that are malformed or too large end the connection by themselves, with a code of their own.
  socket.on('error', () => {});
  socket.on('message', () => socket.close(POLICY_VIOLATION, 'listen only'));
  return {
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
    probe() {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
    },
    cut: () => socket.terminate(),
  };
}
