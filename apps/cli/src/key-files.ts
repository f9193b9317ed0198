// SPDX-License-Identifier: Apache-2.0
import { digestBytes } from '@outrider/adapters/shared/digest';
import { createSeed, publicKeyOf, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { literal, malformed, type Reader, record } from '@outrider/protocol/kernel/reader';
import { type KeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { type EcdsaScheme, parseKeyReference, publicHalfOf } from '@outrider/protocol/trust/key-reference';
import { parseSealedKeyFile } from '@outrider/protocol/trust/sealed-key-file';

/** The half of a key that everyone may see: what `key role` is made from. */
export interface PublicKeyFile extends PublicKey {
  readonly schema: 1;
  /** The signing group it belongs to, for example `build`. */
  readonly group: string;
  /** Absent: Ed25519. A key of ECDSA P-256 is for people of the root alone. */
  readonly scheme?: EcdsaScheme;
}

/** A new key pair of a group, from the machine's random source, unsealed. */
export function newKeyFile(group: string): KeyFile {
  const seed = createSeed();
  return { schema: 1, group, ...signerFromSeed(seed).publicKey, privateKey: Buffer.from(seed).toString('base64') };
}

/** The signer of a key file. Code: body-malformed when the two halves do not belong together. */
export function signerOf(file: KeyFile): Result<Signer, ParseError> {
  const signer = signerFromSeed(Buffer.from(file.privateKey, 'base64'));
  if (signer.publicKey.keyId === file.keyId && signer.publicKey.publicKey === file.publicKey) return ok(signer);
  return malformed(
    `the public key of ${file.keyId}`,
    `the public half of its own private key, ${signer.publicKey.keyId}`,
  );
}

/** The public half of a key file. */
export function publicHalf({ schema, group, keyId, publicKey, scheme }: PublicKeyFile): PublicKeyFile {
  return { schema, group, keyId, publicKey, ...(scheme && { scheme }) };
}

/** Writes the public half. */
export function encodePublicKeyFile(file: PublicKeyFile): string {
  return encodeJson(publicHalf(file));
}

/** Reads the public half of a key of Ed25519, which may sign anything; the id must be that of the key. Code: body-malformed. */
export function parsePublicKeyFile(body: string): Result<PublicKeyFile, ParseError> {
  const file = parseAnyPublicKeyFile(body);
  return file.ok && file.value.scheme !== undefined ? malformed(file.value.scheme, ED25519_ALONE) : file;
}

/** What a key of ECDSA P-256 is told where it cannot sign. */
export const ED25519_ALONE =
  'a key of Ed25519: keys of ECDSA P-256 are for people of the root, who sign roots and say who signs for a model';

/** Reads the public half from a public or a secret key file, of either kind. Code: body-malformed. */
export function parseAnyPublicKeyFile(body: string): Result<PublicKeyFile, ParseError> {
  const sealed = parseSealedKeyFile(body);
  const secret = parseKeyFile(body);
  const reference = parseKeyReference(body);
  const elsewhere = sealed.ok ? sealed : reference;
  const parsed = elsewhere.ok
    ? ok<PublicKeyFile>({ ...elsewhere.value, schema: 1 })
    : secret.ok
      ? secret
      : parseText(body, { noun: 'key-file', bytesMax: REQUEST_BYTES_MAX, reader: publicKeyFile });
  if (!parsed.ok) return parsed;
  const raw = Buffer.from(parsed.value.publicKey, 'base64');
  const isEd25519 = !('scheme' in parsed.value) || parsed.value.scheme === undefined;
  const expected: string = isEd25519 ? publicKeyOf(raw).keyId : digestBytes(raw);
  if (expected === parsed.value.keyId) return ok(publicHalf(parsed.value));
  return malformed(parsed.value.keyId, `the SHA-256 of the public key, ${expected}`);
}

const publicKeyFile: Reader<PublicKeyFile> = (value) =>
  record<PublicKeyFile>({ schema: literal(1), ...publicHalfOf(value) })(value);
