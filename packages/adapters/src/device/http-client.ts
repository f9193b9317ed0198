// SPDX-License-Identifier: Apache-2.0
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { NetworkError } from '@outrider/domain/device/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { DurationMs } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import {
  BOOT_HEADER,
  DEVICE_HEADER,
  requestText,
  SIGNATURE_HEADER,
} from '@outrider/protocol/gateway/request-signature';
import { ANSWER_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { parseRetryAfter } from '@outrider/protocol/kernel/retry-after';
import { afterDelay } from '../shared/delay.ts';

/** How a device reaches its server: every request is signed with its key. */
export interface HttpClient {
  readonly serverUrl: URL;
  readonly deviceId: DeviceId;
  readonly signer: Signer;
  /** Names this start of the software, so that a copy of the device is seen; see `BOOT_HEADER`. */
  readonly boot?: string;
  /** Connections; may be shared by many devices. */
  readonly connections: HttpAgent;
}

/** Kept connections, at most `socketsMax` to one server: set-up costs more than an answer. */
export function keptConnections(serverUrl: URL, socketsMax = SOCKETS_MAX): HttpAgent {
  const options = { keepAlive: true, maxSockets: socketsMax, timeout: SILENCE_MAX_MS };
  return serverUrl.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
}

/** Sends one message and reads its whole answer, bounded in bytes and in time. Codes: those of NetworkError. */
export async function sendMessage(
  client: HttpClient,
  path: string,
  body: string,
): Promise<Result<string, NetworkError>> {
  try {
    const answer = await open(client, { method: 'POST', path, body }, { withinMs: MESSAGE_MAX_MS });
    const text = await readText(answer);
    const status = answer.statusCode ?? 0;
    if (text === undefined) {
      return err({ code: 'answer-malformed', detail: `The answer is larger than ${ANSWER_BYTES_MAX} bytes` });
    }
    if (status >= 200 && status < 300) return ok(text);
    const detail = `POST ${path} was answered with ${status}: ${text.slice(0, DETAIL_CHARACTERS_MAX)}`;
    const isPassing = status === 408 || status === 429 || status >= 500;
    const retryAfterMs = retryAfterOf(answer);
    const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
    return err({ code: isPassing ? 'network-unreachable' : 'server-refused', detail, ...asked });
  } catch (cause) {
    return err({ code: 'network-unreachable', detail: cause instanceof Error ? cause.message : String(cause) });
  }
}

/**
 * Opens a signed request and resolves with the head of its answer. It is broken off when it has not ended, answer included,
 * `withinMs` after this call. Throws what the network throws.
 */
export function open(
  client: HttpClient,
  message: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body: string },
  options: { readonly headers?: Readonly<Record<string, string>>; readonly withinMs?: number } = {},
): Promise<IncomingMessage> {
  const { serverUrl, deviceId, signer, connections } = client;
  const send = serverUrl.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request: ClientRequest = send({
      ...addressOf(serverUrl),
      path: message.path,
      method: message.method,
      agent: connections,
      timeout: SILENCE_MAX_MS,
      headers: {
        ...options.headers,
        [DEVICE_HEADER]: deviceId,
        ...(client.boot !== undefined && { [BOOT_HEADER]: client.boot }),
        [SIGNATURE_HEADER]: signer.sign(requestText(message)).signature,
        ...(message.method === 'POST' && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(message.body),
        }),
      },
    });
    request.on('timeout', () => request.destroy(new Error(`The server was silent for ${SILENCE_MAX_MS} ms`)));
    request.on('error', reject);
    request.on('response', resolve);
    breakOff(request, options.withinMs);
    request.end(message.method === 'POST' ? message.body : undefined);
  });
}

/** One timer, which is gone with the request: a signal that times out stays in memory until its time has come. */
function breakOff(request: ClientRequest, withinMs: number | undefined): void {
  if (withinMs === undefined) return;
  const cancel = afterDelay(withinMs, () => {
    request.destroy(new Error(`The answer did not come whole within ${withinMs} ms`));
  });
  request.once('close', cancel);
}

/** Of a server once: each message would take its address apart again. */
function addressOf(serverUrl: URL): Pick<RequestOptions, 'protocol' | 'hostname' | 'port' | 'auth'> {
  const known = addresses.get(serverUrl);
  if (known !== undefined) return known;
  const { protocol, hostname, port, auth } = urlToHttpOptions(serverUrl);
  const address = { protocol, hostname, port, ...(auth && { auth }) };
  addresses.set(serverUrl, address);
  return address;
}

const addresses = new WeakMap<URL, ReturnType<typeof addressOf>>();

/** How long the server asks to be left alone; a date is read against its own clock, since a device's may be years off. */
export function retryAfterOf({ headers }: IncomingMessage): DurationMs | undefined {
  return parseRetryAfter(headers['retry-after'], headers.date);
}

/** One device needs two; a process of many simulated devices says more. */
export const SOCKETS_MAX = 2;
/** A server that says nothing for so long is gone (slow retrieval attack). */
export const SILENCE_MAX_MS = 30_000;
/** A message is small: one that takes longer is not answered. */
const MESSAGE_MAX_MS = 60_000;
const DETAIL_CHARACTERS_MAX = 500;

/** Undefined when there is more than any answer may have. */
export async function readText(answer: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const chunks: AsyncIterable<Buffer> = answer;
  for await (const part of chunks) {
    bytes += part.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      answer.destroy();
      return undefined;
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
