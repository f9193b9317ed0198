// SPDX-License-Identifier: Apache-2.0
import type { NetworkError } from '@outrider/domain/device/ports';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { parseWakeAnswer, WAKE_BYTES_MAX, WAKE_PATH } from '@outrider/protocol/gateway/wake';
import { parseRetryAfter } from '@outrider/protocol/kernel/retry-after';
import { WebSocket } from 'ws';
import { type HttpClient, open, readText, retryAfterOf } from './http-client.ts';

/** Listens once: until the connection has ended, or the request was answered. Calls `onCall` for each "check in" that comes. */
export type WakeLine = (onCall: () => void) => Promise<Result<'ended', NetworkError>>;

/** A server probes every four minutes: a connection over which nothing came for so long is half open. */
const SILENCE_MAX_MS = 600_000;
const HANDSHAKE_MAX_MS = 30_000;

/** As a WebSocket, kept open. The server cannot say more over it than "check in", and the device says nothing. */
export function wakeSocketLine(client: HttpClient): WakeLine {
  return (onCall) =>
    new Promise((resolve) => {
      const { deviceId, signer, serverUrl, connections } = client;
      const url = new URL(WAKE_PATH, serverUrl);
      url.protocol = serverUrl.protocol === 'https:' ? 'wss:' : 'ws:';
      const { signature } = signer.sign(requestText({ method: 'GET', path: WAKE_PATH, body: '' }));
      const socket = new WebSocket(url, {
        agent: connections,
        headers: { [DEVICE_HEADER]: deviceId, [SIGNATURE_HEADER]: signature },
        handshakeTimeout: HANDSHAKE_MAX_MS,
        maxPayload: WAKE_BYTES_MAX,
        perMessageDeflate: false,
        followRedirects: false,
      });
      let fault: NetworkError | undefined;
      // Whatever comes, a probe too, begins the time anew.
      socket.on('upgrade', (response) => response.socket.setTimeout(SILENCE_MAX_MS, () => socket.terminate()));
      socket.on('message', (data) => {
        const answer = parseWakeAnswer(String(data));
        if (answer.ok && answer.value.kind === 'check-in') onCall();
      });
      socket.on('unexpected-response', (request, response) => {
        const retryAfterMs = parseRetryAfter(response.headers['retry-after'], response.headers.date);
        const status = response.statusCode ?? 0;
        fault = {
          code: status >= 500 || status === 429 ? 'network-unreachable' : 'server-refused',
          detail: `GET ${WAKE_PATH} was answered with ${status}`,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        };
        request.destroy();
        socket.terminate();
      });
      socket.on('error', (cause) => {
        fault ??= { code: 'network-unreachable', detail: cause.message };
      });
      socket.on('close', (code, reason) => {
        resolve(err(fault ?? closedBy(code, String(reason))));
      });
    });
}

/** By requests that are held back, one after the other: for networks that let no WebSocket through. */
export function heldRequestLine(client: HttpClient): WakeLine {
  return async (onCall) => {
    try {
      const answer = await open(client, { method: 'GET', path: WAKE_PATH, body: '' });
      const [text, status] = [(await readText(answer)) ?? '', answer.statusCode ?? 0];
      if (status !== 200) {
        const retryAfterMs = retryAfterOf(answer);
        return err({
          code: status >= 500 || status === 429 ? 'network-unreachable' : 'server-refused',
          detail: `GET ${WAKE_PATH} was answered with ${status}`,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
      }
      const parsed = parseWakeAnswer(text);
      if (!parsed.ok) return err({ code: 'answer-malformed', detail: 'The answer to listening cannot be read' });
      if (parsed.value.kind === 'check-in') onCall();
      return ok('ended');
    } catch (cause) {
      return err({ code: 'network-unreachable', detail: cause instanceof Error ? cause.message : String(cause) });
    }
  };
}

/** Whoever ends it: the device comes again by its back-off, since another one under its name may have taken its place. */
function closedBy(code: number, reason: string): NetworkError {
  const isRefused = code === POLICY_VIOLATION;
  const detail = `The connection for listening was closed with ${code} ${reason}`;
  return { code: isRefused ? 'server-refused' : 'network-unreachable', detail };
}

const POLICY_VIOLATION = 1_008;
