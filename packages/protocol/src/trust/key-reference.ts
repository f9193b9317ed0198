// SPDX-License-Identifier: Apache-2.0
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { literal, malformed, optional, type Reader, record, text } from '../kernel/reader.ts';
import { base64Of, keyId, label } from '../kernel/values.ts';

/** A file that stands for a key whose secret is elsewhere, and may go wherever a key file goes. It holds no secret. */
export interface KeyReference extends PublicKey {
  readonly schema: 3;
  /** Absent: Ed25519. A key of ECDSA P-256 is named by its SubjectPublicKeyInfo in base64, and signs metadata alone. */
  readonly scheme?: EcdsaScheme;
  /** The signing group it belongs to, for example `build`. */
  readonly group: string;
  readonly signedBy: DistantKey;
}

/** As TUF names it. */
export type EcdsaScheme = 'ecdsa-sha2-nistp256';

/** Where the secret is. */
export type DistantKey =
  | {
      readonly kind: 'pkcs11';
      /** The library of the token's maker. */
      readonly module: string;
      /** The label of the token. */
      readonly token: string;
      /** The id of the key pair on it (CKA_ID), in hexadecimal. */
      readonly id: string;
    }
  | {
      /** A program that gets the bytes to be signed and answers the signature: the way to any key management service. */
      readonly kind: 'program';
      readonly program: string;
    };

/** The one scheme beside Ed25519. */
export const ECDSA_SCHEME: EcdsaScheme = 'ecdsa-sha2-nistp256';

/** SubjectPublicKeyInfo of a point of P-256 that is not compressed (RFC 5480 §2). */
export const P256_INFO_BYTES = 91;

/** Writes a reference. */
export function encodeKeyReference(reference: KeyReference): string {
  return encodeJson(reference);
}

/** Reads a reference; nothing is asked of who has the key. Code: body-malformed. */
export function parseKeyReference(body: string): Result<KeyReference, ParseError> {
  return parseText(body, { noun: 'key-reference', bytesMax: REQUEST_BYTES_MAX, reader: keyReference });
}

const path = text({ charactersMin: 1, charactersMax: 4_096 });
/** Of a token: 32 bytes at most (PKCS#11 v2.40 §3.2, CK_TOKEN_INFO). */
const tokenLabel = text({ charactersMin: 1, charactersMax: 32 });
const objectId: Reader<string> = (value) =>
  typeof value === 'string' && /^(?:[0-9a-f]{2}){1,64}$/.test(value)
    ? ok(value)
    : malformed(value, '1 to 64 bytes in lower-case hexadecimal');

const onToken = record<Extract<DistantKey, { kind: 'pkcs11' }>>({
  kind: literal('pkcs11'),
  module: path,
  token: tokenLabel,
  id: objectId,
});

const byProgram = record<Extract<DistantKey, { kind: 'program' }>>({ kind: literal('program'), program: path });

const distantKey: Reader<DistantKey> = (value) => {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  if (kind === 'pkcs11') return onToken(value);
  return kind === 'program' ? byProgram(value) : malformed(kind, 'pkcs11 or program');
};

/** What the public half of a key of either kind is read by: how long it is hangs on the scheme that this value names. */
export function publicHalfOf(value: unknown) {
  const scheme = typeof value === 'object' && value !== null && 'scheme' in value ? value.scheme : undefined;
  return {
    ...{ group: label, keyId, scheme: optional(literal(ECDSA_SCHEME)) },
    publicKey: base64Of(scheme === undefined ? 32 : P256_INFO_BYTES),
  };
}

const keyReference: Reader<KeyReference> = (value) =>
  record<KeyReference>({ schema: literal(3), ...publicHalfOf(value), signedBy: distantKey })(value);
