// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { DigestText } from '@outrider/domain/trust/ports';
import { problemResponse } from '../gateway/device-request.ts';
import type { Metrics } from '../observability/prometheus.ts';
import type { Log } from '../ports.ts';

/** Where Prometheus looks for metrics by itself. */
export const METRICS_PATH = '/metrics';

export interface MetricsOptions {
  readonly metrics: Metrics;
  /** SHA-256 of the tokens that let a reader in: that of the metrics alone, and the administrator's. */
  readonly tokenDigests: readonly Sha256[];
  readonly digestText: DigestText;
  readonly log: Log;
}

/**
 * Answers `GET /metrics`. From the machine itself no token is needed, unless the request went through a proxy, which makes
 * everybody look as if they came from the machine itself.
 */
export function metricsListener(options: MetricsOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    answer(request, response, options).catch((cause: unknown) => {
      options.log.error({ stage: 'server', code: 'metrics-failed', err: cause }, 'The metrics could not be read');
      respondWithProblem(response, {
        code: 'internal-error',
        detail: 'The metrics could not be read; the log says why',
      });
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: MetricsOptions): Promise<void> {
  // Nothing is expected in the body of a read: what came all the same must not be taken for the next request.
  request.resume();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const detail = `This path does not take ${request.method?.slice(0, 20)}; it takes GET, HEAD`;
    return respondWithProblem(response, { code: 'method-not-allowed', detail, headers: { allow: 'GET, HEAD' } });
  }
  if (!isLetIn(request, options)) {
    const detail =
      'Metrics are read from the machine itself, or with "Authorization: Bearer" and the text of the file metrics-token';
    const headers = { 'www-authenticate': 'Bearer' };
    return respondWithProblem(response, { code: 'token-invalid', detail, headers });
  }
  const text = await options.metrics.text();
  response.writeHead(200, {
    'content-type': options.metrics.contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

function isLetIn({ headers, socket }: IncomingMessage, { tokenDigests, digestText }: MetricsOptions): boolean {
  const [scheme, token = ''] = (headers.authorization ?? '').split(' ', 2);
  // Digests are compared, so that the time it takes tells nothing about the token.
  if (scheme?.toLowerCase() === 'bearer') return tokenDigests.includes(digestText(token));
  const isForwarded = FORWARDED_HEADERS.some((name) => headers[name] !== undefined);
  return !isForwarded && LOOPBACK.test(socket.remoteAddress ?? '') && LOCAL_NAME.test(headers.host ?? 'localhost');
}

/** 127.0.0.0/8, the same seen through IPv6, and ::1. */
const LOOPBACK = /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/;

/** A page in a browser on this machine may come under a name of its own that it made point here; it is let in by no such. */
const LOCAL_NAME = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i;

/** What proxies add (RFC 7239, RFC 9110 §7.6.3, and the fields of before). */
const FORWARDED_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];

function respondWithProblem(response: ServerResponse, problem: Parameters<typeof problemResponse>[0]): void {
  const { status, headers, body } = problemResponse(problem);
  const text = String(body);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
