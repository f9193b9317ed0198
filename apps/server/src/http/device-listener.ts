// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientCertificate } from '@outrider/domain/gateway/device-authentication';
import type { Result } from '@outrider/domain/kernel/result';
import { FEEDBACK_BYTES_MAX } from '@outrider/protocol/gateway/ddi/feedback';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { isDdiPath } from '../gateway/ddi/ddi-path.ts';
import { type DeviceRequest, type DeviceResponse, problemResponse } from '../gateway/device-request.ts';
import type { Log } from '../ports.ts';

/** What a listener knows of the client certificate behind a request; absent: there is none, and the device signs. */
export type CertificateOf = (request: IncomingMessage) => Result<ClientCertificate | undefined, DeviceResponse>;

/** Carries requests of devices between a socket and the gateway: bytes in, bytes out, nothing decided here. */
export function deviceListener(
  handle: (request: DeviceRequest) => Promise<DeviceResponse>,
  certificateOf: CertificateOf,
  log: Log,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    carry(request, response, { handle, certificateOf }).catch((cause: unknown) => {
      // The peer went away, or a blob ended early: a half answer must not look whole.
      log.info({ stage: 'gateway', code: 'connection-ended', cause: String(cause) }, 'A connection ended early');
      response.destroy();
    });
  };
}

async function carry(
  request: IncomingMessage,
  response: ServerResponse,
  { handle, certificateOf }: { readonly handle: Handle; readonly certificateOf: CertificateOf },
): Promise<void> {
  const body = await readBody(request);
  const answer = typeof body === 'string' ? await answerTo(request, body, { handle, certificateOf }) : body;
  // What is left of a refused body would be taken for the next request.
  const closing = typeof body === 'string' ? {} : { connection: 'close' };
  response.writeHead(answer.status, { ...lengthOf(answer), ...answer.headers, ...closing });
  if (typeof answer.body === 'string') response.end(answer.body);
  else await pipeline(Readable.from(answer.body, { objectMode: false }), response);
}

type Handle = (request: DeviceRequest) => Promise<DeviceResponse>;

function answerTo(
  request: IncomingMessage,
  body: string,
  { handle, certificateOf }: { readonly handle: Handle; readonly certificateOf: CertificateOf },
): DeviceResponse | Promise<DeviceResponse> {
  const certificate = certificateOf(request);
  if (!certificate.ok) return certificate.error;
  const { method = '', url: path = '', headers } = request;
  const carried = { method, path, headers, body };
  return handle(certificate.value === undefined ? carried : { ...carried, certificate: certificate.value });
}

/** Overruled by the answer's own field, which a HEAD has without a body. */
function lengthOf({ status, body }: DeviceResponse): Record<string, string> {
  if (status === 304 || typeof body !== 'string') return {};
  return { 'content-length': String(Buffer.byteLength(body)) };
}

/** The body as text, counted while it comes and cut at the limit; or the problem that it is. */
async function readBody(request: IncomingMessage): Promise<string | DeviceResponse> {
  if (request.method === 'GET' || request.method === 'HEAD') return '';
  const bytesMax = isDdiPath(request.url ?? '') ? FEEDBACK_BYTES_MAX : REQUEST_BYTES_MAX;
  const promised = Number(request.headers['content-length'] ?? 0);
  if (promised > bytesMax) return tooLarge(request, promised, bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return tooLarge(request, bytes, bytesMax);
    chunks.push(chunk);
  }
  return decode(Buffer.concat(chunks));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | DeviceResponse {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return problemResponse({ code: 'body-malformed', detail: 'The body is not UTF-8; send JSON in UTF-8' });
  }
}

function tooLarge(request: IncomingMessage, bytes: number, bytesMax: number): DeviceResponse {
  // A socket closed over unread bytes is reset, and the peer would never see the answer.
  request.resume();
  const detail = `The body has at least ${bytes} bytes, allowed are ${bytesMax}; send less`;
  return problemResponse({ code: 'body-too-large', detail });
}
