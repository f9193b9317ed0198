// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConsoleFile, ConsoleFiles } from './console-files.ts';

/** Whether a path is the page's, built or not; all else is for devices. */
export function isConsolePath(path: string): boolean {
  return path === '/' || path.startsWith('/console/');
}

/**
 * What a browser may do with the page (CSP Level 3): its own scripts, styles and pictures, its own server, and nothing else. No
 * inline code, so that a device that calls itself `<script>` stays a text whatever else goes wrong; nobody may frame the brake.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const SECURITY_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

const YEAR_S = 31_536_000;

/** Answers the page. It holds no secret: what it shows it asks the management API for, with the token of the person. */
export function consoleListener(files: ConsoleFiles): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    // Nothing is expected in the body of a read: what came all the same must not be taken for the next request.
    request.resume();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return sendText(response, 405, 'This path takes GET and HEAD');
    }
    const file = files.get(request.url?.split('?', 1)[0] ?? '');
    if (file !== undefined) return sendFile(request, response, file);
    const sentence =
      files.size === 0
        ? 'The console is not built: run `npm run build --workspace @outrider/console`, then start the server again'
        : 'There is no such file; the page is at /';
    return sendText(response, 404, sentence);
  };
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: ConsoleFile): void {
  response.setHeader('cache-control', file.isImmutable ? `public, max-age=${YEAR_S}, immutable` : 'no-cache');
  response.setHeader('etag', file.entityTag);
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === file.entityTag) {
    response.writeHead(304);
    response.end();
    return;
  }
  const isGzipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = isGzipped ? file.gzipped : file.body;
  if (isGzipped) response.setHeader('content-encoding', 'gzip');
  response.writeHead(200, { 'content-type': file.mediaType, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function sendText(response: ServerResponse, status: number, sentence: string): void {
  const body = `${sentence}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
