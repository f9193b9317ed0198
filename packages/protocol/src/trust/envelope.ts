// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { Envelope, PublicKey, Signature } from '@outrider/domain/trust/envelope';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { ANSWER_BYTES_MAX, MANIFEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { listOf, record, text } from '../kernel/reader.ts';
import { base64Of, keyId } from '../kernel/values.ts';

/** Signatures on one document: every key of every group that may sign, and room for keys that a device does not know. */
export const SIGNATURES_MAX = 32;

/** Writes a signed document. */
export function encodeEnvelope(envelope: Envelope): string {
  return encodeJson(envelope);
}

/** Reads a signed document; nothing is verified and the payload is not looked into. Code: body-malformed. */
export function parseEnvelope(body: string): Result<Envelope, ParseError> {
  return parseText(body, { noun: 'envelope', bytesMax: ANSWER_BYTES_MAX, reader: envelope });
}

/** Reads an envelope inside another document. */
export const envelope = record<Envelope>({
  payloadType: text({ charactersMin: 1, charactersMax: 128 }),
  payload: text({ charactersMax: MANIFEST_BYTES_MAX }),
  signatures: listOf(record<Signature>({ keyId, signature: base64Of(64) }), { countMax: SIGNATURES_MAX }),
});

/** Reads a public key. */
export const publicKey = record<PublicKey>({ keyId, publicKey: base64Of(32) });
