// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { NetworkError } from '@outrider/domain/device/ports';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { digestBytes } from '../shared/digest.ts';
import { certificatesOf } from './credentials.ts';

/** Two roots while they are exchanged. */
const ANSWER_BYTES_MAX = 65_536;
const ANSWER_MS = 30_000;

/**
 * The root that a token names, from a server of which nothing is believed yet: what it sends is the root if its digest is, and the
 * device then begins anew, on a connection that it verifies. Codes: network-unreachable, server-refused.
 */
export async function fetchServerRoot(
  serverUrl: URL,
  digest: string,
): Promise<Result<readonly X509Certificate[], NetworkError>> {
  const pem = await fetchText(new URL('/v1/server-roots', serverUrl));
  if (!pem.ok) return pem;
  const root = certificatesOf(pem.value).find((one) => digestBytes(one.raw) === digest);
  if (root !== undefined) return ok([root]);
  const detail = `The server at ${serverUrl.host} does not have the root that the token names: it is another server, or the token is of another installation`;
  return err({ code: 'server-refused', detail });
}

function fetchText(url: URL): Promise<Result<string, NetworkError>> {
  return new Promise((resolve) => {
    const failed = (detail: string) => resolve(err({ code: 'network-unreachable', detail }));
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // Nothing secret is sent, and nothing that comes is believed but for its digest.
    const request = send(url, { rejectUnauthorized: false, signal: AbortSignal.timeout(ANSWER_MS) }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.byteLength;
        if (bytes > ANSWER_BYTES_MAX) answer.destroy(new Error('The answer is too large'));
        else parts.push(part);
      });
      answer.on('error', (cause) => failed(cause.message));
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(ok(Buffer.concat(parts).toString('utf8')));
        else failed(`GET ${url.pathname} was answered with ${answer.statusCode}`);
      });
    });
    request.on('error', (cause) => failed(cause.message));
    request.end();
  });
}
