// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { literal, record } from '../kernel/reader.ts';
import { base64Of, keyId, label } from '../kernel/values.ts';

/** A signing key on disk, readable by its owner alone. */
export interface KeyFile extends PublicKey {
  readonly schema: 1;
  /** The signing group it belongs to, for example `build`. */
  readonly group: string;
  /** Ed25519 seed (RFC 8032 §5.1.5), 32 bytes, base64. */
  readonly privateKey: string;
}

/** Writes a signing key; the text is a secret. */
export function encodeKeyFile(keyFile: KeyFile): string {
  return encodeJson(keyFile);
}

/** Reads a signing key; an error never repeats what it saw of the key. Code: body-malformed. */
export function parseKeyFile(body: string): Result<KeyFile, ParseError> {
  return parseText(body, { noun: 'key-file', bytesMax: REQUEST_BYTES_MAX, reader: keyFile });
}

const keyFile = record<KeyFile>({
  schema: literal(1),
  group: label,
  keyId,
  publicKey: base64Of(32),
  privateKey: base64Of(32),
});
