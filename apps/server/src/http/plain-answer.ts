// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the pages for signing in may do in a browser: show themselves, and send their own form. */
export function pageHeaders(formTargets: string): Record<string, string> {
  return {
    'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; form-action ${formTargets}; base-uri 'none'; frame-ancestors 'none'`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };
}

/** A whole page from its body, which holds no text of others that was not escaped. */
export function pageOf(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`;
}

/** A text that stays a text in HTML, in an attribute too. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

export function sendPage(
  response: ServerResponse,
  page: { readonly status: number; readonly html: string; readonly formTargets?: string },
): void {
  const headers = { ...pageHeaders(page.formTargets ?? "'none'"), 'content-type': 'text/html; charset=utf-8' };
  response.writeHead(page.status, { ...headers, 'content-length': Buffer.byteLength(page.html) });
  response.end(page.html);
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

export function sendRedirect(response: ServerResponse, target: string, cookies: readonly string[] = []): void {
  if (cookies.length > 0) response.setHeader('set-cookie', [...cookies]);
  response.writeHead(303, { location: target, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  response.end();
}

/** A form or a code: some kilobytes at most. Undefined: it was longer, and the rest is thrown away. */
export async function readSmallBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) {
      request.resume();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const BODY_BYTES_MAX = 16_384;

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#17202b}main{max-width:26rem;margin:12vh auto;padding:2rem;background:#fff;border:1px solid #d5dae1;border-radius:8px}h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:1rem 0 .25rem}input,select,button{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}button{margin-top:1.5rem;background:#174ea6;color:#fff;border:0;border-radius:4px}.fault{color:#a50e0e}@media(prefers-color-scheme:dark){body{background:#12161c;color:#e6e9ee}main{background:#1b212a;border-color:#333c48}}';

/** The one style that the policy lets in, by its digest (CSP Level 3 §2.3.1). */
const STYLE_DIGEST = createHash('sha256').update(STYLE).digest('base64');
