// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A port of this machine that waits for the answer of an issuer (RFC 8252 §7.3). */
export interface LoopbackRedirect {
  readonly redirectUri: string;
  /** The address that the browser was sent to; undefined once `close` was called. */
  readonly answer: Promise<URL | undefined>;
  close(): void;
}

const DONE = 'You are signed in. Go back to the terminal; this page can be closed.';

/** Opens any free port of the loopback address for one answer. */
export async function openLoopbackRedirect(): Promise<LoopbackRedirect> {
  const { promise, resolve } = Promise.withResolvers<URL | undefined>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const isAnswer = request.method === 'GET' && url.pathname === '/callback' && url.searchParams.has('state');
    response.writeHead(isAnswer ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      connection: 'close',
    });
    response.end(isAnswer ? DONE : 'There is nothing here');
    if (isAnswer) resolve(url);
  });
  await new Promise<void>((opened) => server.listen({ host: '127.0.0.1', port: 0 }, opened));
  // A TCP server has an address of this kind once it listens.
  const { port } = server.address() as AddressInfo;
  const redirectUri = `http://127.0.0.1:${port}/callback`;
  return {
    redirectUri,
    answer: promise.then((url) => (url === undefined ? undefined : new URL(`${redirectUri}${url.search}`))),
    close() {
      server.close();
      server.closeIdleConnections();
      resolve(undefined);
    },
  };
}
