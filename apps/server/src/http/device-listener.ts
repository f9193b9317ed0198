// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientCertificate } from '@outrider/domain/gateway/device-authentication';
import type { Result } from '@outrider/domain/kernel/result';
import { type DurationMs, durationMs } from '@outrider/domain/kernel/time';
import { FEEDBACK_BYTES_MAX } from '@outrider/protocol/gateway/ddi/feedback';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { isDdiPath } from '../gateway/ddi/ddi-path.ts';
import { type DeviceRequest, type DeviceResponse, problemResponse } from '../gateway/device-request.ts';
import type { Log, Schedule } from '../ports.ts';

/** What a listener knows of the client certificate behind a request; absent: there is none, and the device signs. */
export type CertificateOf = (
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
) => Result<ClientCertificate | undefined, DeviceResponse>;

/** Who answers: at once what needs no wait, else by and by. */
export interface DeviceHandler {
  readonly handle: (request: DeviceRequest) => Promise<DeviceResponse>;
  readonly handleAtOnce?: (request: DeviceRequest) => DeviceResponse | Promise<DeviceResponse> | undefined;
}

/** From the head of a request of a device to the end of its body: 64 KiB at 2.2 KB/s, far slower than any link that updates come by. */
const BODY_MS = durationMs(30_000);

/** Carries requests of devices between a socket and the gateway: bytes in, bytes out, nothing decided here. */
export function deviceListener(
  handler: DeviceHandler,
  certificateOf: CertificateOf,
  {
    log,
    schedule,
    bodyMs = BODY_MS,
    isTls = false,
  }: {
    readonly log: Log;
    readonly schedule: Schedule;
    readonly bodyMs?: DurationMs;
    /** As in `DeviceRequest`. */
    readonly isTls?: boolean;
  },
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    readBody(request, { schedule, bodyMs }, (body) => {
      const answer = typeof body === 'string' ? answerTo(request, body, { handler, certificateOf, isTls }) : body;
      // What is left of a refused body would be taken for the next request.
      const isClosing = typeof body !== 'string';
      if (!(answer instanceof Promise) && typeof answer.body === 'string') {
        return writeText(response, answer, { body: answer.body, isClosing });
      }
      write(response, answer, isClosing).catch((cause: unknown) => {
        // The peer went away, or a blob ended early: a half answer must not look whole.
        log.info({ stage: 'gateway', code: 'connection-ended', cause: String(cause) }, 'A connection ended early');
        response.destroy();
      });
    });
  };
}

function answerTo(
  request: IncomingMessage,
  body: string,
  { handler, certificateOf, isTls }: Carrying,
): DeviceResponse | Promise<DeviceResponse> {
  const certificate = certificateOf(request);
  if (!certificate.ok) return certificate.error;
  const { method = '', url: path = '', headers } = request;
  const carried: DeviceRequest =
    certificate.value === undefined
      ? { method, path, headers, body, isTls }
      : { method, path, headers, body, isTls, certificate: certificate.value };
  return handler.handleAtOnce?.(carried) ?? handler.handle(carried);
}

interface Carrying {
  readonly handler: DeviceHandler;
  readonly certificateOf: CertificateOf;
  readonly isTls: boolean;
}

async function write(
  response: ServerResponse,
  answering: DeviceResponse | Promise<DeviceResponse>,
  isClosing: boolean,
): Promise<void> {
  const answer = await answering;
  if (typeof answer.body === 'string') return writeText(response, answer, { body: answer.body, isClosing });
  response.writeHead(answer.status, { ...answer.headers, ...(isClosing ? CLOSING : {}) });
  await pipeline(Readable.from(answer.body, { objectMode: false }), response);
}

const CLOSING = { connection: 'close' } as const;

function writeText(
  response: ServerResponse,
  { status, headers }: DeviceResponse,
  { body, isClosing }: { readonly body: string; readonly isClosing: boolean },
): void {
  // A 304 has no body, and a HEAD tells the length of what it leaves out in a field of its own.
  const length = status === 304 ? {} : { 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...length, ...headers, ...(isClosing ? CLOSING : {}) });
  response.end(body);
}

/** The body as text, counted while it comes and cut at the limit; or the problem that it is. Not called when the peer goes away. */
function readBody(
  request: IncomingMessage,
  { schedule, bodyMs }: { readonly schedule: Schedule; readonly bodyMs: DurationMs },
  done: (body: string | DeviceResponse) => void,
): void {
  if (request.method === 'GET' || request.method === 'HEAD') {
    done('');
    return;
  }
  const bytesMax = isDdiPath(request.url ?? '') ? FEEDBACK_BYTES_MAX : REQUEST_BYTES_MAX;
  const promised = Number(request.headers['content-length'] ?? 0);
  if (promised > bytesMax) {
    done(tooLarge(request, promised, bytesMax));
    return;
  }
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let bytes = 0;
  const cancel = schedule.after(bodyMs, () => end(tooSlow(bodyMs, bytes)));
  request.once('close', cancel);
  function end(body: string | DeviceResponse): void {
    cancel();
    request.off('data', onData);
    request.off('end', onEnd);
    done(body);
  }
  // Events and no iterator: most bodies are one chunk, and this is the way of every check-in.
  function onData(chunk: Buffer): void {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      end(tooLarge(request, bytes, bytesMax));
      return;
    }
    if (first === undefined) {
      first = chunk;
      return;
    }
    more ??= [first];
    more.push(chunk);
  }
  function onEnd(): void {
    end(decode(more === undefined ? (first ?? NO_BYTES) : Buffer.concat(more)));
  }
  request.on('data', onData);
  request.on('end', onEnd);
}

const NO_BYTES = Buffer.alloc(0);

function decode(bytes: Buffer): string | DeviceResponse {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return problemResponse({ code: 'body-malformed', detail: 'The body is not UTF-8; send JSON in UTF-8' });
}

function tooLarge(request: IncomingMessage, bytes: number, bytesMax: number): DeviceResponse {
  // A socket closed over unread bytes is reset, and the peer would never see the answer.
  request.resume();
  const detail = `The body has at least ${bytes} bytes, allowed are ${bytesMax}; send less`;
  return problemResponse({ code: 'body-too-large', detail });
}

function tooSlow(bodyMs: DurationMs, bytes: number): DeviceResponse {
  const detail = `Of the body ${bytes} bytes came in ${bodyMs} ms and not all of it; send it again, faster`;
  return problemResponse({ code: 'request-timeout', detail });
}
