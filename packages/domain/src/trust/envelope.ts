// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../kernel/ids.ts';

/**
 * A signed document after DSSE 1.0.2: the signature covers the pre-authentication encoding of type and payload, so that
 * no byte is parsed before it is verified and none is ever re-serialised.
 */
export interface Envelope {
  readonly payloadType: string;
  /** The exact bytes that were signed, as text (all our payloads are canonical JSON in UTF-8). */
  readonly payload: string;
  readonly signatures: readonly Signature[];
}

/** One signature, named by the key that made it. */
export interface Signature {
  readonly keyId: KeyId;
  /** Ed25519, 64 bytes, base64. */
  readonly signature: string;
}

/** A public key that may sign: its id is the SHA-256 of the raw 32 bytes. */
export interface PublicKey {
  readonly keyId: KeyId;
  /** Ed25519 raw public key, 32 bytes, base64. */
  readonly publicKey: string;
}

/** DSSE's PAE: `DSSEv1 <len type> <type> <len payload> <payload>`; lengths in bytes of UTF-8. Source: DSSE protocol.md. */
export function preAuthenticationEncoding(payloadType: string, payload: string): string {
  return `DSSEv1 ${utf8Length(payloadType)} ${payloadType} ${utf8Length(payload)} ${payload}`;
}

/** Length of a text in UTF-8 bytes. */
export function utf8Length(text: string): number {
  // Most of what is signed here is plain ASCII, and long.
  if (PLAIN.test(text)) return text.length;
  let count = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    count += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return count;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: every character of ASCII is one byte
const PLAIN = /^[\x00-\x7f]*$/;
