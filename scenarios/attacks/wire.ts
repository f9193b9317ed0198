// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckInAnswer } from '@outrider/domain/gateway/check-in';
import type { PermitAnswer } from '@outrider/domain/gateway/permit';
import { assert } from '@outrider/domain/kernel/assert';
import { encodeCheckInAnswer, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { encodePermitAnswer, parsePermitAnswer } from '@outrider/protocol/gateway/permit';

/** A message of a device as it passed, for those who want to send it again. */
export interface PassedMessage {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Somebody between a device and its server: he sees all, changes what he likes, and keeps what he wants. */
export interface Wire {
  readonly url: string;
  /** What becomes of the answer to a check-in or a permit request; by default it passes. */
  checkIn: (answer: CheckInAnswer) => CheckInAnswer | Promise<CheckInAnswer>;
  permit: (answer: PermitAnswer, request: PassedMessage) => PermitAnswer | Promise<PermitAnswer>;
  /** Answers in place of the server what is asked under /repo/; undefined: it passes. */
  document: (name: string) => string | undefined;
  /** Answers in place of the server what is asked under /blobs/; undefined: it passes. */
  blob: (digest: string, response: ServerResponse) => Promise<'answered' | undefined>;
  /** What does not arrive: the line is dead for it. */
  isHeld: (path: string) => boolean;
  readonly passed: PassedMessage[];
  /** Bytes of blobs that went to the device. */
  blobBytes: number;
  /** Nothing is changed any more. */
  letGo(): void;
  close(): void;
}

/** Opens one before a server, on a free port of the loopback interface. */
export async function openWire(serverUrl: string): Promise<Wire> {
  const server = createServer((request, response) => {
    serve(request, response).catch((cause: unknown) => {
      if (!response.headersSent) response.writeHead(502);
      response.end(String(cause));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server on a TCP port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const wire: Wire = {
    url: `http://127.0.0.1:${port}`,
    ...honest(),
    passed: [],
    blobBytes: 0,
    letGo: () => void Object.assign(wire, honest()),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const digest = /^\/blobs\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (digest !== undefined && (await wire.blob(digest, response)) === 'answered') return;
    const document = path.startsWith('/repo/') ? wire.document(path.slice('/repo/'.length)) : undefined;
    if (document !== undefined) return void response.writeHead(200).end(document);
    if (wire.isHeld(path)) return void response.writeHead(502).end();
    const headers = headersOf(request);
    const body = await textOf(request);
    wire.passed.push({ path, headers, body });
    const isPost = request.method === 'POST';
    const answer = await fetch(`${serverUrl}${path}`, {
      method: request.method ?? 'GET',
      headers,
      ...(isPost ? { body } : {}),
    });
    const kept = ['content-type', 'content-range', 'retry-after'].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    if (!isPost) {
      const bytes = Buffer.from(await answer.arrayBuffer());
      wire.blobBytes += bytes.byteLength;
      response.writeHead(answer.status, Object.fromEntries(kept)).end(bytes);
      return;
    }
    const text = await altered(path, await answer.text(), { path, headers, body });
    response.writeHead(answer.status, Object.fromEntries(kept)).end(text);
  }

  async function altered(path: string, text: string, request: PassedMessage): Promise<string> {
    if (path === '/v1/check-in') {
      const answer = parseCheckInAnswer(text);
      return answer.ok ? encodeCheckInAnswer(await wire.checkIn(answer.value)) : text;
    }
    if (path === '/v1/permit') {
      const answer = parsePermitAnswer(text);
      return answer.ok ? encodePermitAnswer(await wire.permit(answer.value, request)) : text;
    }
    return text;
  }

  assert(port > 0, 'a wire that listens');
  return wire;
}

function honest(): Pick<Wire, 'checkIn' | 'permit' | 'blob' | 'document' | 'isHeld'> {
  return {
    checkIn: (answer) => answer,
    permit: (answer) => answer,
    document: () => undefined,
    isHeld: () => false,
    blob: async () => undefined,
  };
}

/** What the device signed and said; the rest belongs to the connection. */
function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const kept = ['outrider-device', 'outrider-signature', 'outrider-boot', 'content-type', 'range'];
  return Object.fromEntries(
    kept.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  const chunks: AsyncIterable<Buffer> = request;
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}
