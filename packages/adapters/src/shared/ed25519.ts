// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { assert } from '@outrider/domain/kernel/assert';
import type { KeyId } from '@outrider/domain/kernel/ids';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import type { SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import { digestBytes } from './digest.ts';

/** Parsed keys kept: a fleet's busy devices and all our own keys, at about 1 KB each. */
const CACHED_KEYS_MAX = 20_000;

/** Checks Ed25519 signatures with node:crypto. A malformed key or signature is false, never an exception. */
export function createVerifier(): SignatureVerifier {
  const cache = new Map<string, KeyObject>();
  return {
    verify(key, message, signature) {
      const keyObject = cachedKey(cache, key.publicKey);
      if (keyObject === undefined) return false;
      const bytes = Buffer.from(signature, 'base64');
      // One signature has one spelling: a lenient decoder would let anyone write it in several ways.
      if (bytes.byteLength !== SIGNATURE_BYTES || bytes.toString('base64') !== signature) return false;
      return verify(null, Buffer.from(message, 'utf8'), keyObject, bytes);
    },
  };
}

/** A new key pair, from the machine's random source. */
export function createSigner(): Signer {
  return signerFromSeed(createSeed());
}

/** The secret half of a new key: 32 random bytes. Store it only in a file of mode 0600. */
export function createSeed(): Uint8Array {
  return randomBytes(KEY_BYTES);
}

/** The key pair of a 32-byte seed (RFC 8032 §5.1.5): the same seed gives the same keys. */
export function signerFromSeed(seed: Uint8Array): Signer {
  const privateKey = privateKeyOf(seed);
  const raw = publicKeyInfo(privateKey).subarray(SPKI_PREFIX.byteLength);
  const publicKey = publicKeyOf(raw);
  return {
    publicKey,
    sign(message) {
      const signature = sign(null, Buffer.from(message, 'utf8'), privateKey).toString('base64');
      return { keyId: publicKey.keyId, signature };
    },
  };
}

/** The same key as node:crypto, TLS and certificate requests take it. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  assert(seed.byteLength === KEY_BYTES, `an Ed25519 seed of ${KEY_BYTES} bytes, got ${seed.byteLength}`);
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/** The public half as certificates hold it: SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7). */
export function publicKeyInfo(key: KeyObject): Buffer {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ format: 'der', type: 'spki' });
}

/** SubjectPublicKeyInfo of 32 raw bytes. */
export function infoOfKey(raw: Uint8Array): Buffer {
  assert(raw.byteLength === KEY_BYTES, `a raw Ed25519 public key of ${KEY_BYTES} bytes, got ${raw.byteLength}`);
  return Buffer.concat([SPKI_PREFIX, raw]);
}

/** The 32 raw bytes within a SubjectPublicKeyInfo; undefined when it is of another kind, or no key at all. */
export function publicKeyBytes(info: Uint8Array): Uint8Array | undefined {
  if (info.byteLength !== SPKI_PREFIX.byteLength + KEY_BYTES) return undefined;
  if (!SPKI_PREFIX.equals(info.subarray(0, SPKI_PREFIX.byteLength))) return undefined;
  const raw = info.subarray(SPKI_PREFIX.byteLength);
  return parseKey(Buffer.from(raw).toString('base64')) === undefined ? undefined : raw;
}

/** A raw public key of 32 bytes with its id. */
export function publicKeyOf(raw: Uint8Array): PublicKey {
  return { keyId: keyIdOf(raw), publicKey: Buffer.from(raw).toString('base64') };
}

/** The id of a key: SHA-256 of its 32 raw public bytes. */
export function keyIdOf(raw: Uint8Array): KeyId {
  assert(raw.byteLength === KEY_BYTES, `a raw Ed25519 public key of ${KEY_BYTES} bytes, got ${raw.byteLength}`);
  return digestBytes(raw) as string as KeyId;
}

/** The same for whatever kind of key a certificate is for: of one that is not Ed25519, SHA-256 of its SubjectPublicKeyInfo. */
export function keyIdOfInfo(info: Uint8Array): KeyId {
  const raw = publicKeyBytes(info);
  return raw === undefined ? (digestBytes(info) as string as KeyId) : keyIdOf(raw);
}

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** DER of an Ed25519 private key up to its 32 bytes (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
/** DER of an Ed25519 public key up to its 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Least recently used keys leave first: a Map keeps the order of insertion. */
function cachedKey(cache: Map<string, KeyObject>, publicKey: string): KeyObject | undefined {
  const known = cache.get(publicKey);
  if (known !== undefined) {
    cache.delete(publicKey);
    cache.set(publicKey, known);
    return known;
  }
  const parsed = parseKey(publicKey);
  if (parsed === undefined) return undefined;
  if (cache.size >= CACHED_KEYS_MAX) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(publicKey, parsed);
  return parsed;
}

function parseKey(publicKey: string): KeyObject | undefined {
  const raw = Buffer.from(publicKey, 'base64');
  if (raw.byteLength !== KEY_BYTES) return undefined;
  try {
    return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
  } catch {
    // node:crypto refuses what is no point of the curve: such a key has signed nothing.
    return undefined;
  }
}
