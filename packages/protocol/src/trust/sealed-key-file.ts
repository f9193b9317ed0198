// SPDX-License-Identifier: Apache-2.0
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { literal, malformed, optional, type Reader, record, whole } from '../kernel/reader.ts';
import { base64Of, instant, keyId, label } from '../kernel/values.ts';

/** A signing key on disk that a passphrase opens: what is stolen with the disk signs nothing. */
export interface SealedKeyFile extends PublicKey {
  readonly schema: 2;
  /** The signing group it belongs to, for example `build`. */
  readonly group: string;
  /** It signs nothing from then on; absent: for as long as a role names it. */
  readonly validUntil?: FleetInstant;
  readonly sealed: SealedSeed;
}

/** The Ed25519 seed under AES-256-GCM, by a key that scrypt (RFC 7914) makes of the passphrase. */
export interface SealedSeed {
  readonly kdf: 'scrypt';
  /** scrypt's N, r and p: as they were chosen when the file was made. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  /** 32 bytes, base64. */
  readonly salt: string;
  readonly cipher: 'aes-256-gcm';
  /** 12 bytes, base64. */
  readonly nonce: string;
  /** 32 bytes of seed and 16 of tag, base64. The rest of the file is authenticated with them. */
  readonly text: string;
}

/** Writes a sealed key. */
export function encodeSealedKeyFile(file: SealedKeyFile): string {
  return encodeJson(file);
}

/** What the tag of a sealed key covers beside the seed: whose key it is, and until when. */
export function sealedKeyHead({
  schema,
  group,
  keyId: id,
  publicKey,
  validUntil,
}: Omit<SealedKeyFile, 'sealed'>): string {
  return encodeJson({ schema, group, keyId: id, publicKey, validUntil });
}

/** Reads a sealed key; nothing is opened. Code: body-malformed. */
export function parseSealedKeyFile(body: string): Result<SealedKeyFile, ParseError> {
  return parseText(body, { noun: 'key-file', bytesMax: REQUEST_BYTES_MAX, reader: sealedKeyFile });
}

/** More memory than this for one passphrase, 1 GiB, is a file made to stall a signer. */
const COST_MAX = 1_048_576;

const sealedSeed: Reader<SealedSeed> = (value) => {
  const read = record<SealedSeed>({
    kdf: literal('scrypt'),
    cost: whole({ min: 1_024, max: COST_MAX }),
    blockSize: whole({ min: 1, max: 8 }),
    parallelization: whole({ min: 1, max: 16 }),
    salt: base64Of(32),
    cipher: literal('aes-256-gcm'),
    nonce: base64Text(16),
    text: base64Text(64),
  })(value);
  if (!read.ok || Number.isInteger(Math.log2(read.value.cost))) return read;
  return malformed(read.value.cost, 'a cost that is a power of two');
};

const sealedKeyFile = record<SealedKeyFile>({
  schema: literal(2),
  group: label,
  keyId,
  publicKey: base64Of(32),
  validUntil: optional(instant),
  sealed: sealedSeed,
});

/** Base64 without padding: 12 bytes are 16 characters, 48 are 64. */
function base64Text(characters: number): Reader<string> {
  return (value) => {
    const is = typeof value === 'string' && value.length === characters && /^[A-Za-z0-9+/]+$/.test(value);
    return is ? ok(value) : malformed(typeof value, `${characters} characters of base64`);
  };
}
