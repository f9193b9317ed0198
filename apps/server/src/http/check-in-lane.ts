// SPDX-License-Identifier: Apache-2.0
import { type Server as HttpServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { nextTick } from 'node:process';
import { httpDate } from '@outrider/adapters/shared/http-date';
import { assert } from '@outrider/domain/kernel/assert';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { DeviceRequest, DeviceResponse } from '../gateway/device-request.ts';
import { CHECK_IN_PATH } from '../gateway/device-routes.ts';
import type { CertificateOf, DeviceHandler } from './device-listener.ts';
import type { DrainGate } from './draining.ts';
import { type PlainCheckIn, readPlainCheckIn } from './plain-check-in.ts';
import { turnShare } from './turn-share.ts';

/** A lane beside node:http for plain check-ins. */
export interface CheckInLane {
  /** Ends the connections that lie in it. */
  close(): void;
}

/**
 * Answers the check-ins of a connection from its bytes, without the objects that node:http makes of each request, for as long as
 * nothing else comes by it: of a check-in from memory node:http is the larger part (docs/measurements/check-in.md). With the first
 * bytes that are anything else the connection is node:http's, for good, as if it had been so from the beginning.
 */
export function checkInLane(
  server: HttpServer<typeof IncomingMessage>,
  { handler, certificateOf, gate, machineClock }: LaneOptions,
): CheckInLane {
  const event = 'setSecureContext' in server ? 'secureConnection' : 'connection';
  const [attach, ...others] = server.listeners(event);
  assert(attach !== undefined && others.length === 0, 'connections that node:http alone listens to');
  const lying = new Set<Socket>();
  const share = turnShare(machineClock);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    lying.add(socket);
    let before: Buffer | undefined;
    let isKnown = false;
    /** What has come and waits for a turn of the loop that has something left. */
    let waiting: Buffer | undefined;
    let isEnded = false;

    function leave(): void {
      lying.delete(socket);
      socket.off('data', onData).off('end', onEnd).off('error', onError).off('timeout', onTimeout).off('close', leave);
      socket.setTimeout(0);
    }
    /** What was read goes back into the socket: node:http reads it as the first bytes that came. */
    function handOver(bytes: Buffer | undefined): void {
      leave();
      socket.pause();
      attach?.call(server, socket);
      if (bytes !== undefined) socket.unshift(bytes);
      nextTick(() => socket.resume());
    }
    function onData(chunk: Buffer): void {
      if (waiting !== undefined) waiting = Buffer.concat([waiting, chunk]);
      else if (share.isFree()) take(chunk, 0);
      else {
        waiting = chunk;
        share.later(takeWaiting);
      }
    }
    function takeWaiting(waitedMs: number): void {
      const bytes = waiting;
      waiting = undefined;
      if (bytes === undefined || !lying.has(socket)) return;
      take(bytes, waitedMs);
      if (isEnded && lying.has(socket)) onEnd();
    }
    function take(chunk: Buffer, waitedMs: number): void {
      const isRest = before !== undefined;
      const bytes = before === undefined ? chunk : Buffer.concat([before, chunk]);
      before = undefined;
      const read = gate.isOpen() ? readPlainCheckIn(bytes) : 'other';
      // In two pieces at most: each byte that drips would begin the second of waiting anew.
      if (read === 'incomplete' && !isRest) {
        before = bytes;
        socket.setTimeout(REST_MS);
        return;
      }
      const request = typeof read === 'string' ? undefined : requestOf(read, { socket, waitedMs });
      if (request === undefined) {
        handOver(bytes);
        return;
      }
      if (!isKnown || chunk !== bytes) socket.setTimeout(server.keepAliveTimeout);
      isKnown = true;
      const answer = handler.handleAtOnce?.(request) ?? handler.handle(request);
      if (answer instanceof Promise) void answerLater(answer);
      else write(socket, answer);
    }
    async function answerLater(answering: Promise<DeviceResponse>): Promise<void> {
      // One request at a time: what comes meanwhile waits in the socket.
      socket.pause();
      const done = gate.hold();
      try {
        write(socket, await answering);
        socket.resume();
      } finally {
        done();
      }
    }
    function onTimeout(): void {
      // It is this process that is late.
      if (waiting !== undefined) return;
      // Who has not said a whole check-in is under the limits of node:http; who has is only idle.
      if (!isKnown || before !== undefined) handOver(before);
      else socket.destroy();
    }
    function onEnd(): void {
      if (waiting !== undefined) isEnded = true;
      else if (before === undefined) socket.end();
      else handOver(before);
    }
    // `close` follows: the peer has gone, and nobody is left to be told.
    function onError(): void {}
    socket.setTimeout(REST_MS);
    socket.on('data', onData).on('end', onEnd).on('error', onError).on('timeout', onTimeout).on('close', leave);
  });

  function requestOf(
    { headers, body }: PlainCheckIn,
    { socket, waitedMs }: { readonly socket: Socket; readonly waitedMs: number },
  ): DeviceRequest | undefined {
    const certificate = certificateOf({ headers, socket });
    // A refusal, which node:http writes like any other.
    if (!certificate.ok) return undefined;
    const request = { method: 'POST', path: CHECK_IN_PATH, headers, body, waitedMs };
    return certificate.value === undefined ? request : { ...request, certificate: certificate.value };
  }

  function write(socket: Socket, answer: DeviceResponse): void {
    if (socket.destroyed) return;
    const isLast = answer.headers.connection === 'close' || !gate.isOpen();
    const { body } = answer;
    assert(typeof body === 'string', 'a text as the answer to a check-in');
    const bytes = Buffer.byteLength(body);
    const text = headOf(answer, { isLast, keepAliveMs: server.keepAliveTimeout, bytes }) + body;
    const encoding = bytes === body.length ? 'latin1' : 'utf8';
    if (isLast) return void socket.end(text, encoding);
    // A peer that sends and does not read is not read from either.
    if (socket.write(text, encoding) || socket.isPaused()) return;
    socket.pause();
    socket.once('drain', () => socket.resume());
  }

  return {
    close() {
      for (const socket of lying) socket.destroy();
    },
  };
}

interface LaneOptions {
  readonly handler: DeviceHandler;
  readonly certificateOf: CertificateOf;
  readonly gate: DrainGate;
  readonly machineClock: MachineClock;
}

/** A new connection, and the rest of a check-in, are waited for so long here; then as long as node:http waits for them. */
const REST_MS = 1_000;

/** The head of the answer as node:http would write it. */
function headOf(
  { status, headers }: DeviceResponse,
  { isLast, keepAliveMs, bytes }: { readonly isLast: boolean; readonly keepAliveMs: number; readonly bytes: number },
): string {
  const fields = FIELDS.get(headers) ?? fieldsOf(headers);
  const connection = isLast ? 'close' : `keep-alive\r\nkeep-alive: timeout=${Math.floor(keepAliveMs / 1_000)}`;
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields}date: ${httpDate()}\r\nconnection: ${connection}\r\n` +
    `content-length: ${bytes}\r\n\r\n`
  );
}

/** Of the headers that most answers share. */
const FIELDS = new WeakMap<DeviceResponse['headers'], string>();

function fieldsOf(headers: DeviceResponse['headers']): string {
  let text = '';
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'connection') text += `${name}: ${value}\r\n`;
  }
  FIELDS.set(headers, text);
  return text;
}
