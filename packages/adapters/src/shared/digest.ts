// SPDX-License-Identifier: Apache-2.0
import { createHash, hash } from 'node:crypto';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';

/** SHA-256 of the UTF-8 bytes of a text. */
export function digestText(text: string): Sha256 {
  return hash('sha256', text, 'hex') as Sha256;
}

/** SHA-256 of bytes. */
export function digestBytes(bytes: Uint8Array): Sha256 {
  return hash('sha256', bytes, 'hex') as Sha256;
}

/** SHA-256 and length of a stream, chunk by chunk. */
export async function digestStream(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ readonly digest: Sha256; readonly bytes: Bytes }> {
  const running = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    running.update(chunk);
    bytes += chunk.byteLength;
  }
  return { digest: running.digest('hex') as Sha256, bytes: bytes as Bytes };
}

/** SHA-256 of a text as base64url without padding: the challenge of PKCE (RFC 7636 §4.2). */
export function sha256Base64Url(text: string): string {
  return hash('sha256', text, 'base64url');
}
