// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { present } from '@outrider/domain/kernel/assert';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { publicKeyInfo } from '../ed25519.ts';
import { type DerElement, readWhole, within } from './der-read.ts';
import { bitString, element, integer, oid, sequence, TAG } from './der-write.ts';
import { commonNameIn, nameOf } from './distinguished-name.ts';

/** What a certificate request asks for, once its signature has been verified (RFC 2986). */
export interface CertificateRequest {
  readonly commonName: string;
  /** SubjectPublicKeyInfo in DER, of a kind that devices show in a handshake: Ed25519, P-256, RSA of 2,048 bits and more. */
  readonly publicKeyInfo: Uint8Array;
}

/** Why a certificate request was not taken. */
export interface CertificateRequestError {
  readonly code: 'csr-malformed';
  readonly detail: string;
}

/** Asks for a certificate of this name, signed with the very key it is for: DER in base64. */
export function makeCertificateRequest(commonName: string, key: KeyObject): string {
  const spki = publicKeyInfo(key);
  const noAttributes = element(0xa0, Buffer.alloc(0));
  const info = sequence(integer(Buffer.from([0])), nameOf({ commonName }), spki, noAttributes);
  const { algorithm, hash } = present(kindOf(key), 'a key of a kind that certificates are made for');
  return sequence(info, algorithm, bitString(sign(hash, info, key))).toString('base64');
}

/**
 * Reads a certificate request and verifies that who asks holds the key. Attributes are not looked at: what a certificate of a
 * device says beside its name and key is decided here, not by devices. Code: csr-malformed.
 */
export function readCertificateRequest(text: string): Result<CertificateRequest, CertificateRequestError> {
  const [info, algorithm, signature] = within(readWhole(Buffer.from(text, 'base64')), TAG.sequence) ?? [];
  const [version, name, spki] = within(info, TAG.sequence) ?? [];
  if (info === undefined || name === undefined || spki === undefined || version?.tag !== TAG.integer) {
    return malformed('it is no PKCS#10 request in DER');
  }
  const commonName = commonNameIn(name);
  if (commonName === undefined) return malformed('its subject has no common name, or several');
  const key = keyOf(spki.whole);
  const kind = key && kindOf(key);
  if (key === undefined || kind === undefined || algorithm === undefined || !kind.algorithm.equals(algorithm.whole)) {
    return malformed(
      'its key is of no kind that is taken here, or it is signed by another algorithm than with SHA-256',
    );
  }
  return isSignedBy(key, kind.hash, { info, signature })
    ? ok({ commonName, publicKeyInfo: spki.whole })
    : malformed('it is not signed by the key that it names');
}

function isSignedBy(
  key: KeyObject,
  hash: string | null,
  { info, signature }: { readonly info: DerElement; readonly signature: DerElement | undefined },
): boolean {
  if (signature?.tag !== TAG.bitString || signature.content[0] !== 0) return false;
  return verify(hash, info.whole, key, signature.content.subarray(1));
}

/** How a kind of key signs a request. */
interface KeyKind {
  readonly algorithm: Buffer;
  /** Null: the algorithm brings its own. */
  readonly hash: string | null;
}

/** Ed25519 (RFC 8410 §3) and ECDSA (RFC 5758 §3.2): algorithms without parameters. */
const ED25519: KeyKind = { algorithm: sequence(oid('1.3.101.112')), hash: null };
const P256: KeyKind = { algorithm: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' };
/** RFC 4055 §5: the parameters are NULL. */
const RSA: KeyKind = {
  algorithm: sequence(oid('1.2.840.113549.1.1.11'), element(0x05, Buffer.alloc(0))),
  hash: 'sha256',
};

/** Smaller ones are weak, larger ones make each handshake slower for nothing. */
const [RSA_BITS_MIN, RSA_BITS_MAX] = [2_048, 4_096];

/** Undefined: of a kind that is not taken. */
function kindOf({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): KeyKind | undefined {
  if (asymmetricKeyType === 'ed25519') return ED25519;
  if (asymmetricKeyType === 'ec') return details?.namedCurve === 'prime256v1' ? P256 : undefined;
  const bits = details?.modulusLength ?? 0;
  const isUsual = bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && details?.publicExponent === USUAL_EXPONENT;
  return asymmetricKeyType === 'rsa' && isUsual ? RSA : undefined;
}

const USUAL_EXPONENT = 65_537n;

/** Undefined: it is no key that OpenSSL reads. */
function keyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    // What a certificate will hold is this very text: one spelling a key.
    return publicKeyInfo(key).equals(spki) ? key : undefined;
  } catch {
    // node:crypto throws whatever OpenSSL says of bytes that are no key.
    return undefined;
  }
}

function malformed(reason: string): Result<never, CertificateRequestError> {
  const detail = `The certificate request cannot be used: ${reason}; send a PKCS#10 request, DER in base64, for a key of Ed25519, P-256 or RSA of 2,048 to 4,096 bits`;
  return err({ code: 'csr-malformed', detail });
}
