// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { type CertificateSerial, parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import { present } from '@outrider/domain/kernel/assert';
import { publicKeyInfo } from '../../shared/ed25519.ts';
import { randomBuffer } from '../../shared/random.ts';
import {
  bitString,
  element,
  explicit,
  integer,
  isTrue,
  namedBits,
  oid,
  sequence,
  TAG,
  time,
} from '../../shared/x509/der-write.ts';
import { type DistinguishedName, nameOf } from '../../shared/x509/distinguished-name.ts';

/** What a certificate shall say (RFC 5280 §4.1). */
export interface CertificateTemplate {
  readonly subject: DistinguishedName;
  /** SubjectPublicKeyInfo, DER. */
  readonly subjectKey: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly use: CertificateUse;
}

/** What its key may be used for. */
export type CertificateUse =
  /** Signs other CAs and servers. */
  | { readonly kind: 'root' }
  /** Signs certificates of devices and nothing else: whoever steals its key cannot stand in for a server. */
  | { readonly kind: 'issuing' }
  | { readonly kind: 'server'; readonly names: readonly string[] }
  | { readonly kind: 'device' };

/** Who signs: the subject of its certificate and its key; for a root, its own. */
export interface CertificateSigner {
  /** DER: exactly as in its certificate, whoever made that. */
  readonly name: Uint8Array;
  /** P-256. */
  readonly key: KeyObject;
}

/** A certificate, DER. */
export interface MadeCertificate {
  readonly der: Buffer;
  /** In lower-case hexadecimal; its first digit is never zero. */
  readonly serial: CertificateSerial;
}

/** Makes and signs a certificate with ECDSA over P-256 and SHA-256. */
export function makeCertificate(template: CertificateTemplate, signer: CertificateSigner): MadeCertificate {
  const serial = newSerial();
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    signer.name,
    sequence(time(template.notBeforeMs), time(template.notAfterMs)),
    nameOf(template.subject),
    template.subjectKey,
    explicit(3, sequence(...extensionsOf(template, signer))),
  );
  const signature = sign('sha256', body, { key: signer.key, dsaEncoding: 'der' });
  return {
    der: sequence(body, ECDSA_WITH_SHA256, bitString(signature)),
    serial: present(parseCertificateSerial(serial.toString('hex')), 'a serial number of 16 bytes'),
  };
}

/** PEM (RFC 7468 §5). */
export function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** 126 random bits: positive, never shorter than 16 bytes, never twice. */
function newSerial(): Buffer {
  const bytes = randomBuffer(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function extensionsOf({ subjectKey, use }: CertificateTemplate, { key }: CertificateSigner): readonly Buffer[] {
  const authorityKey = extension('2.5.29.35', sequence(element(0x80, keyIdentifier(publicKeyInfo(key)))));
  const subject = extension('2.5.29.14', element(TAG.octetString, keyIdentifier(subjectKey)));
  switch (use.kind) {
    case 'root':
      return [basicConstraints(sequence(isTrue(), integer(Buffer.from([1])))), keyUsage(5, 6), subject];
    case 'issuing':
      return [
        basicConstraints(sequence(isTrue(), integer(Buffer.from([0])))),
        keyUsage(5, 6),
        extendedUse(CLIENT_AUTH),
        subject,
        authorityKey,
      ];
    case 'server':
      return [keyUsage(0), extendedUse(SERVER_AUTH), alternativeNames(use.names), authorityKey];
    // As small as can be: it goes over the air with each new connection.
    case 'device':
      return [keyUsage(0), extendedUse(CLIENT_AUTH), authorityKey];
  }
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [isTrue()] : []), element(TAG.octetString, value));
}

function basicConstraints(value: Buffer): Buffer {
  return extension('2.5.29.19', value, true);
}

/** Bits of RFC 5280 §4.2.1.3: 0 signs in a handshake, 5 signs certificates, 6 signs revocation lists. */
function keyUsage(...bits: readonly number[]): Buffer {
  return extension('2.5.29.15', namedBits(...bits), true);
}

function extendedUse(purpose: string): Buffer {
  return extension('2.5.29.37', sequence(oid(purpose)));
}

/** Names and addresses by which clients reach a server (RFC 5280 §4.2.1.6). */
function alternativeNames(names: readonly string[]): Buffer {
  return extension('2.5.29.17', sequence(...names.map(generalName)));
}

function generalName(name: string): Buffer {
  return isIP(name) === 0 ? element(0x82, Buffer.from(name, 'ascii')) : element(0x87, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? [] : Array<number>(8 - left.length - right.length).fill(0);
  return Buffer.from([...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 0xff]));
}

function keyIdentifier(subjectKey: Uint8Array): Buffer {
  // RFC 7093 §2, method 1: a name for a key, nothing is proved by it.
  return createHash('sha256').update(subjectKey).digest().subarray(0, 20);
}
