// SPDX-License-Identifier: Apache-2.0
import type { ClientCertificate } from '@outrider/domain/gateway/device-authentication';
import type { Json } from '@outrider/domain/kernel/canonical-json';
import { encodeProblem, PROBLEM_MEDIA_TYPE, type ProblemCode, problemStatus } from '@outrider/protocol/kernel/problem';

/** A request of a device, whoever carried it: node:http over a socket, or the simulator by a call. */
export interface DeviceRequest {
  readonly method: string;
  /** Path with query, as in the request line. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The exact text that arrived; empty for GET and HEAD. */
  readonly body: string;
  /**
   * The client certificate that the end of the TLS connection has verified. Set by whoever carries the request, out of what
   * it knows of the connection, never out of what a client may write.
   */
  readonly certificate?: ClientCertificate;
  /** The device speaks TLS with whoever carries the request: links that it is given begin with `https`. */
  readonly isTls?: boolean;
  /** How long it has waited in this process before anybody looked at it, in milliseconds; absent: not at all. */
  readonly waitedMs?: number;
}

export interface DeviceResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a problem document: what it is counted under. */
  readonly code?: ProblemCode;
  /** Text, or the bytes of a blob as they are read. */
  readonly body: string | AsyncIterable<Uint8Array>;
}

/** An answer in JSON. Answers are for one device: nothing may keep them. */
export function jsonResponse(status: number, body: string): DeviceResponse {
  return { status, headers: JSON_HEADERS, body };
}

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const;

/** An error as a problem document (RFC 9457). */
export function problemResponse(problem: {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly fields?: Readonly<Record<string, Json | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
}): DeviceResponse {
  return {
    status: problemStatus(problem.code),
    code: problem.code,
    headers: { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store', ...problem.headers },
    body: encodeProblem(problem),
  };
}
