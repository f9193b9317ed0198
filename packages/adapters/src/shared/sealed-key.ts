// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject, scryptSync } from 'node:crypto';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import { literal, record, text } from '@outrider/protocol/kernel/reader';
import { randomBuffer } from './random.ts';

/** Why a sealed key cannot be opened. */
export interface SealedKeyError {
  readonly code: 'passphrase-wrong' | 'sealed-key-malformed';
  readonly detail: string;
}

/** A private key that only a passphrase opens. */
interface SealedKey {
  readonly schema: 1;
  readonly kind: 'sealed-key';
  readonly kdf: 'scrypt-17-8-1';
  readonly cipher: 'aes-256-gcm';
  /** Base64 each. */
  readonly salt: string;
  readonly nonce: string;
  readonly sealed: string;
  readonly tag: string;
}

/** RFC 7914: 2^17 rounds of 8 blocks, 128 MiB and a third of a second for each guess. */
const SCRYPT = { N: 131_072, r: 8, p: 1, maxmem: 256 * 1_048_576 } as const;
const KEY_BYTES = 32;
/** NIST SP 800-38D §8.2.2: random nonces of 96 bits; each key seals once. */
const NONCE_BYTES = 12;
const SALT_BYTES = 16;
const FILE_BYTES_MAX = 65_536;

/** Shorter passphrases are guessed in a day, whatever the function. */
export const PASSPHRASE_CHARACTERS_MIN = 12;

/** Seals a private key with a passphrase: the text of a file. */
export function sealKey(key: KeyObject, passphrase: string): string {
  const [salt, nonce] = [randomBuffer(SALT_BYTES), randomBuffer(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', secretOf(passphrase, salt), nonce);
  const sealed = Buffer.concat([cipher.update(key.export({ format: 'der', type: 'pkcs8' })), cipher.final()]);
  const file: SealedKey = {
    schema: 1,
    kind: 'sealed-key',
    kdf: 'scrypt-17-8-1',
    cipher: 'aes-256-gcm',
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
  };
  return encodeJson(file);
}

/** Opens a sealed key. Codes: passphrase-wrong, sealed-key-malformed. */
export function openSealedKey(fileText: string, passphrase: string): Result<KeyObject, SealedKeyError> {
  const parsed = parseText(fileText, { noun: 'sealed-key', bytesMax: FILE_BYTES_MAX, reader: sealedKey });
  if (!parsed.ok)
    return err({ code: 'sealed-key-malformed', detail: 'The file holds no sealed key; name the right one' });
  const [salt, nonce, sealed, tag] = [parsed.value.salt, parsed.value.nonce, parsed.value.sealed, parsed.value.tag].map(
    (part) => Buffer.from(part, 'base64'),
  ) as [Buffer, Buffer, Buffer, Buffer];
  try {
    const cipher = createDecipheriv('aes-256-gcm', secretOf(passphrase, salt), nonce, { authTagLength: 16 });
    cipher.setAuthTag(tag);
    const der = Buffer.concat([cipher.update(sealed), cipher.final()]);
    return ok(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  } catch (cause) {
    // The tag does not fit: the passphrase or the file is another one, and there is no telling which.
    if (!(cause instanceof Error)) throw cause;
    return err({ code: 'passphrase-wrong', detail: 'The passphrase does not open the key, or the file was changed' });
  }
}

function secretOf(passphrase: string, salt: Buffer): Buffer {
  return scryptSync(passphrase.normalize('NFC'), salt, KEY_BYTES, SCRYPT);
}

const part = text({ charactersMin: 1, charactersMax: 8_192 });

const sealedKey = record<SealedKey>({
  schema: literal(1),
  kind: literal('sealed-key'),
  kdf: literal('scrypt-17-8-1'),
  cipher: literal('aes-256-gcm'),
  salt: part,
  nonce: part,
  sealed: part,
  tag: part,
});
