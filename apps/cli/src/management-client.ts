// SPDX-License-Identifier: Apache-2.0
import { parseProblem } from '@outrider/protocol/kernel/problem';
import type { Connection } from './connection.ts';
import type { ExitName } from './exit-codes.ts';
import { CommandFailure } from './failure.ts';
import type { World } from './world.ts';

/** One question to the management API. */
export interface ManagementRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD';
  /** From the root of the server, for example `/api/v1/releases`. */
  readonly path: string;
  /** Sent as JSON text. */
  readonly json?: string;
  /** Sent as bytes. */
  readonly bytes?: { readonly stream: () => ReadableStream<Uint8Array>; readonly length: number };
}

/** The management API as the command line uses it. */
export interface ManagementClient {
  readonly url: string;
  /** The body of an answer of 2xx, as text; anything else ends the command with the server's own sentence. */
  ask(request: ManagementRequest): Promise<string>;
  /** The body of an answer of 2xx piece by piece; one that breaks off ends the command. */
  askPieces(path: string): AsyncIterable<string>;
  /** Whether there is something at this path. */
  exists(path: string): Promise<boolean>;
}

/** A client for one server. */
export function managementClient(world: World, connection: Connection): ManagementClient {
  async function send(request: ManagementRequest): Promise<Response> {
    try {
      return await world.fetch(`${connection.url}${request.path}`, {
        method: request.method,
        headers: headersOf(connection, request),
        ...bodyOf(request),
      });
    } catch (cause) {
      throw unreachable(connection, cause);
    }
  }
  return {
    url: connection.url,
    async ask(request) {
      const answer = await send(request);
      const text = await wholeOf(answer, request);
      if (answer.ok) return text;
      throw failureOf(answer.status, text, connection.url);
    },
    async *askPieces(path) {
      const answer = await send({ method: 'GET', path });
      if (!answer.ok) throw failureOf(answer.status, await answer.text(), connection.url);
      const decoder = new TextDecoder();
      try {
        for await (const chunk of answer.body ?? []) yield decoder.decode(chunk, { stream: true });
      } catch (cause) {
        throw new CommandFailure('failed', BROKEN_OFF, { code: 'answer-broken-off', cause });
      }
    },
    async exists(path) {
      const answer = await send({ method: 'HEAD', path });
      if (answer.ok || answer.status === 404) return answer.ok;
      throw failureOf(answer.status, '', connection.url);
    },
  };
}

/** The server may end while it answers. */
async function wholeOf(answer: Response, { method }: ManagementRequest): Promise<string> {
  try {
    return await answer.text();
  } catch (cause) {
    const sentence = method === 'GET' || method === 'HEAD' ? BROKEN_OFF : CHANGE_BROKEN_OFF;
    throw new CommandFailure('failed', sentence, { code: 'answer-broken-off', cause });
  }
}

const CHANGE_BROKEN_OFF =
  'The answer of the server broke off; whether a change was made is not known: look, then ask again';

const BROKEN_OFF = 'The answer of the server broke off; what came is not the whole: ask again';

function headersOf(connection: Connection, request: ManagementRequest): Record<string, string> {
  const type = request.json !== undefined ? 'application/json' : 'application/octet-stream';
  const hasBody = request.json !== undefined || request.bytes !== undefined;
  return {
    authorization: `Bearer ${connection.token}`,
    ...(connection.author === undefined ? {} : { 'x-outrider-author': connection.author }),
    ...(hasBody ? { 'content-type': type } : {}),
    ...(request.bytes === undefined ? {} : { 'content-length': String(request.bytes.length) }),
  };
}

function bodyOf(request: ManagementRequest): RequestInit {
  if (request.json !== undefined) return { body: request.json };
  return request.bytes === undefined ? {} : { body: request.bytes.stream(), duplex: 'half' };
}

function unreachable(connection: Connection, cause: unknown): CommandFailure {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  return new CommandFailure(
    'unreachable',
    `No server answers at ${connection.url} (${reason}); start it with \`outrider up\`, or name another with --data or --server`,
    { code: 'server-unreachable', cause },
  );
}

/** A problem document ends the command with its own sentence and code; the exit code follows from the status alone. */
function failureOf(status: number, body: string, url: string): CommandFailure {
  const problem = parseProblem(body);
  if (!problem.ok)
    return new CommandFailure(
      exitOf(status),
      `${url} answered ${status} without saying why; look into the server's log`,
    );
  return new CommandFailure(exitOf(status), problem.value.detail, { code: problem.value.code });
}

function exitOf(status: number): ExitName {
  if (status === 404) return 'not-found';
  if (status === 400 || status === 413 || status === 415) return 'usage';
  return status < 500 ? 'refused' : 'failed';
}
