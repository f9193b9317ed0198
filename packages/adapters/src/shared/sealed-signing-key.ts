// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { type SealedKeyFile, type SealedSeed, sealedKeyHead } from '@outrider/protocol/trust/sealed-key-file';
import { createSeed, signerFromSeed } from './ed25519.ts';

/** 32 MiB and about a tenth of a second for each guess (RFC 7914 §2; OWASP's password storage, 2025). */
const SCRYPT = { cost: 32_768, blockSize: 8, parallelization: 1 } as const;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A new key pair of a group, from the machine's random source, sealed with a passphrase. */
export function newSealedKey(
  group: string,
  { passphrase, validUntil }: { readonly passphrase: string; readonly validUntil?: FleetInstant },
): Promise<SealedKeyFile> {
  return sealKey(createSeed(), { group, passphrase, ...(validUntil === undefined ? {} : { validUntil }) });
}

/** A key that exists, sealed with a passphrase. */
export async function sealKey(
  seed: Uint8Array,
  about: { readonly group: string; readonly passphrase: string; readonly validUntil?: FleetInstant },
): Promise<SealedKeyFile> {
  const { group, passphrase, validUntil } = about;
  const { publicKey } = signerFromSeed(seed);
  const head = { schema: 2, group, ...publicKey, ...(validUntil === undefined ? {} : { validUntil }) } as const;
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', await keyFrom(passphrase, salt, SCRYPT), nonce);
  cipher.setAAD(Buffer.from(sealedKeyHead(head)));
  const text = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  const sealed: SealedSeed = {
    kdf: 'scrypt',
    ...SCRYPT,
    salt: salt.toString('base64'),
    cipher: 'aes-256-gcm',
    nonce: nonce.toString('base64'),
    text: text.toString('base64'),
  };
  return { ...head, sealed };
}

/** The signer in a sealed key. A wrong passphrase and an altered file cannot be told apart: both are `passphrase-wrong`. */
export async function openSealedKey(
  file: SealedKeyFile,
  passphrase: string,
): Promise<Result<Signer, 'passphrase-wrong'>> {
  const { sealed, ...head } = file;
  const key = await keyFrom(passphrase, Buffer.from(sealed.salt, 'base64'), sealed);
  const bytes = Buffer.from(sealed.text, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.nonce, 'base64'), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(sealedKeyHead(head)));
  decipher.setAuthTag(bytes.subarray(bytes.byteLength - TAG_BYTES));
  let seed: Buffer;
  try {
    seed = Buffer.concat([decipher.update(bytes.subarray(0, bytes.byteLength - TAG_BYTES)), decipher.final()]);
  } catch {
    // The tag does not match: node:crypto has no other reason here.
    return err('passphrase-wrong');
  }
  const signer = signerFromSeed(seed);
  return signer.publicKey.keyId === file.keyId ? ok(signer) : err('passphrase-wrong');
}

function keyFrom(
  passphrase: string,
  salt: Uint8Array,
  { cost, blockSize, parallelization }: Pick<SealedSeed, 'cost' | 'blockSize' | 'parallelization'>,
): Promise<Buffer> {
  // scrypt takes 128 * N * r bytes; Node asks for leave beyond 32 MiB.
  const maxmem = 2 * 128 * cost * blockSize;
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, KEY_BYTES, { cost, blockSize, parallelization, maxmem }, (fault, key) =>
      fault === null ? resolve(key) : reject(fault),
    );
  });
}
