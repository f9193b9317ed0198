// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { publicKeyBytes, publicKeyInfo } from '../ed25519.ts';
import { readWhole, within } from './der-read.ts';
import { bitString, element, integer, oid, sequence, TAG } from './der-write.ts';
import { commonNameIn, nameOf } from './distinguished-name.ts';

/** What a certificate request asks for, once its signature has been verified (RFC 2986). */
export interface CertificateRequest {
  readonly commonName: string;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Why a certificate request was not taken. */
export interface CertificateRequestError {
  readonly code: 'csr-malformed';
  readonly detail: string;
}

/** Ed25519 (RFC 8410 §3): an algorithm without parameters. */
const ED25519 = sequence(oid('1.3.101.112'));

/** Asks for a certificate of this name, signed with the very key it is for: DER in base64. */
export function makeCertificateRequest(commonName: string, key: KeyObject): string {
  const spki = publicKeyInfo(key);
  const noAttributes = element(0xa0, Buffer.alloc(0));
  const info = sequence(integer(Buffer.from([0])), nameOf({ commonName }), spki, noAttributes);
  return sequence(info, ED25519, bitString(sign(null, info, key))).toString('base64');
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
  const publicKey = publicKeyBytes(spki.whole);
  if (publicKey === undefined || algorithm === undefined || !ED25519.equals(algorithm.whole)) {
    return malformed('its key is not an Ed25519 key');
  }
  const isSigned =
    signature?.tag === TAG.bitString &&
    signature.content[0] === 0 &&
    verify(null, info.whole, keyOf(spki.whole), signature.content.subarray(1));
  return isSigned ? ok({ commonName, publicKey }) : malformed('it is not signed by the key that it names');
}

/** OpenSSL has read it before, or there would be no raw key. */
function keyOf(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

function malformed(reason: string): Result<never, CertificateRequestError> {
  const detail = `The certificate request cannot be used: ${reason}; send a PKCS#10 request for the Ed25519 key of the device, DER in base64`;
  return err({ code: 'csr-malformed', detail });
}
