// SPDX-License-Identifier: Apache-2.0
import { type DerElement, readWhole, within } from './der-read.ts';
import { TAG } from './der-write.ts';

/** What a certificate says, as it stands in its bytes. */
export interface CertificateFields {
  /** In hexadecimal. */
  readonly serialNumber: string;
  /** Names in DER, exactly as they stand there. */
  readonly issuer: Uint8Array;
  readonly subject: DerElement;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeyInfo: Uint8Array;
}

/**
 * Reads a certificate of version 3 whose signature somebody else has verified (RFC 5280 §4.1). node:crypto makes an object of OpenSSL's for
 * each field that is asked for, which takes longer than this by two orders. Undefined: it is no such certificate.
 */
export function readCertificate(der: Uint8Array): CertificateFields | undefined {
  const [body] = within(readWhole(der), TAG.sequence) ?? [];
  const [version, serial, , issuer, validity, subject, key] = within(body, TAG.sequence) ?? [];
  if (version?.tag !== VERSION || serial?.tag !== TAG.integer) return undefined;
  if (issuer?.tag !== TAG.sequence || subject?.tag !== TAG.sequence || key?.tag !== TAG.sequence) return undefined;
  const [, notAfter] = within(validity, TAG.sequence) ?? [];
  const notAfterMs = notAfter === undefined ? undefined : timeIn(notAfter);
  if (notAfterMs === undefined) return undefined;
  const serialNumber = Buffer.from(serial.content).toString('hex');
  return { serialNumber, issuer: issuer.whole, subject, notAfterMs, publicKeyInfo: key.whole };
}

/** `[0] EXPLICIT`. */
const VERSION = 0xa0;

/** An instant in whole seconds and UTC, as RFC 5280 §4.1.2.5 demands it. */
function timeIn({ tag, content }: DerElement): number | undefined {
  const digits = Buffer.from(content).toString('latin1');
  const century = tag === TAG.generalizedTime ? '' : Number(digits.slice(0, 2)) < 50 ? '20' : '19';
  const isTime = tag === TAG.generalizedTime || tag === TAG.utcTime;
  const parts = isTime
    ? TIME.exec(century + digits)
        ?.slice(1)
        .map(Number)
    : undefined;
  if (parts === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
