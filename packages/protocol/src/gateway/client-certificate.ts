// SPDX-License-Identifier: Apache-2.0
import { type ClientCertificate, parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { ParseError } from '../kernel/parse-error.ts';
import { below, faultOf, malformed, type Reader } from '../kernel/reader.ts';
import { deviceId, instant, keyId, sha256 } from '../kernel/values.ts';
import type { RequestHeaders } from './request-signature.ts';

/** The common name of the subject of the client certificate: the id of its device. */
export const CERTIFICATE_DEVICE_HEADER = 'outrider-certificate-device';
/** Its serial number in hexadecimal. */
export const CERTIFICATE_SERIAL_HEADER = 'outrider-certificate-serial';
/** SHA-256 of its DER in hexadecimal. */
export const CERTIFICATE_SHA256_HEADER = 'outrider-certificate-sha256';

/**
 * Its subject as a text (RFC 2253), of a terminator that cannot take it apart: what would stand in the headers of device and key. May be
 * left out, and is passed over where the device is named by itself.
 */
export const CERTIFICATE_SUBJECT_HEADER = 'outrider-certificate-subject';

/** The id of the key that it is for, as it stands in the attribute serialNumber of its subject. May be left out. */
export const CERTIFICATE_KEY_HEADER = 'outrider-certificate-key';
/** When it runs out, as OpenSSL and HAProxy write a UTCTime: `YYMMDDhhmmssZ`. May be left out. */
export const CERTIFICATE_NOT_AFTER_HEADER = 'outrider-certificate-not-after';
/** What the terminator found: `0`, or the number of OpenSSL's X509_V_ERR. May be left out by one that hands over nothing else. */
export const CERTIFICATE_VERIFY_HEADER = 'outrider-certificate-verify';

/**
 * Reads the client certificate that a trusted terminator names; undefined when it names none: then the client had none. An empty
 * header is one that is not there, since a proxy that sets a header from nothing writes an empty one. Code: body-malformed,
 * with the header's name as path.
 */
export function parseClientCertificate(headers: RequestHeaders): Result<ClientCertificate | undefined, ParseError> {
  if (!namesCertificate(headers)) return ok(undefined);
  const subject = namedIn(headers);
  const device = deviceId(subject === undefined ? headers[CERTIFICATE_DEVICE_HEADER] : subject.device);
  if (!device.ok)
    return err(below(subject === undefined ? CERTIFICATE_DEVICE_HEADER : CERTIFICATE_SUBJECT_HEADER, device.error));
  const serialText = headers[CERTIFICATE_SERIAL_HEADER];
  const serial = parseCertificateSerial(serialText);
  if (serial === undefined) return err(below(CERTIFICATE_SERIAL_HEADER, faultOf(serialText, SERIAL_ALLOWED)));
  const digestText = headers[CERTIFICATE_SHA256_HEADER];
  const fingerprint = sha256(typeof digestText === 'string' ? digestText.toLowerCase() : digestText);
  if (!fingerprint.ok) return err(below(CERTIFICATE_SHA256_HEADER, fingerprint.error));
  const key =
    subject?.key === undefined ? optionalHeader(headers, CERTIFICATE_KEY_HEADER, keyId) : keyOfSubject(subject.key);
  if (!key.ok) return key;
  const notAfter = optionalHeader(headers, CERTIFICATE_NOT_AFTER_HEADER, utcTime);
  if (!notAfter.ok) return notAfter;
  return ok({
    deviceId: device.value,
    serial,
    fingerprint: fingerprint.value,
    ...(key.value === undefined ? {} : { keyId: key.value }),
    ...(notAfter.value === undefined ? {} : { notAfter: notAfter.value }),
  });
}

/** What a subject says in `CN` and `serialNumber`; undefined where the device is named by itself, or there is no subject. */
function namedIn(headers: RequestHeaders): { readonly device?: string; readonly key?: string } | undefined {
  const text = headers[CERTIFICATE_SUBJECT_HEADER];
  if (isThere(headers[CERTIFICATE_DEVICE_HEADER]) || typeof text !== 'string' || text === '') return undefined;
  const found: { device?: string; key?: string } = {};
  // RFC 2253 §2.1: attributes are parted by commas, those of one name by plus signs; what belongs to a value is escaped.
  for (const [, type = '', value = ''] of text.matchAll(SUBJECT_ATTRIBUTE)) {
    const plain = value.replace(/\\([^0-9A-Fa-f])/g, '$1');
    const name = type.toUpperCase();
    // Named twice: neither is believed.
    if (name === 'CN') found.device = found.device === undefined ? plain : '';
    else if (name === 'SERIALNUMBER') found.key = found.key === undefined ? plain : '';
  }
  return found;
}

const SUBJECT_ATTRIBUTE = /(?:^|[,+])\s*([A-Za-z0-9.]+)=((?:\\.|[^,+\\])*)/g;

function keyOfSubject(text: string): Result<ClientCertificate['keyId'], ParseError> {
  const read = keyId(text);
  return read.ok ? read : err(below(CERTIFICATE_SUBJECT_HEADER, read.error));
}

/** What the terminator found out about the certificate. Code: body-malformed, with the header's name as path. */
export function parseVerifyResult(headers: RequestHeaders): Result<'verified' | 'expired' | 'refused', ParseError> {
  const text = headers[CERTIFICATE_VERIFY_HEADER];
  if (!isThere(text) || text === '0') return ok('verified');
  if (text === CERTIFICATE_HAS_EXPIRED) return ok('expired');
  if (typeof text === 'string' && /^[0-9]{1,3}$/.test(text)) return ok('refused');
  return err(
    below(CERTIFICATE_VERIFY_HEADER, faultOf(text, 'a number of X509_V_ERR, 0 for a certificate that was verified')),
  );
}

/** X509_V_ERR_CERT_HAS_EXPIRED (OpenSSL, x509_vfy.h). */
const CERTIFICATE_HAS_EXPIRED = '10';

function optionalHeader<T>(
  headers: RequestHeaders,
  name: string,
  reader: Reader<T>,
): Result<T | undefined, ParseError> {
  const text = headers[name];
  if (!isThere(text)) return ok(undefined);
  const read = reader(text);
  return read.ok ? read : err(below(name, read.error));
}

/** Two digits of a year: from 1950 to 2049 (RFC 5280 §4.1.2.5.1). */
function utcTime(value: unknown): Result<FleetInstant, ParseError> {
  const digits = typeof value === 'string' ? UTC_TIME.exec(value)?.slice(1).map(Number) : undefined;
  if (digits === undefined) return malformed(value, 'a UTCTime, YYMMDDhhmmssZ');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits;
  return instant(Math.max(0, Date.UTC((year < 50 ? 2000 : 1900) + year, month - 1, day, hour, minute, second)));
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Whether any of the headers that name one is there: on the open port, where nobody may name a certificate, this refuses a request. */
export function namesCertificate(headers: RequestHeaders): boolean {
  return (
    isThere(headers[CERTIFICATE_DEVICE_HEADER]) ||
    isThere(headers[CERTIFICATE_SUBJECT_HEADER]) ||
    isThere(headers[CERTIFICATE_SERIAL_HEADER]) ||
    isThere(headers[CERTIFICATE_SHA256_HEADER]) ||
    isThere(headers[CERTIFICATE_VERIFY_HEADER])
  );
}

const SERIAL_ALLOWED = 'a serial number: 1 to 40 hexadecimal digits';

function isThere(value: string | readonly string[] | undefined): boolean {
  return value !== undefined && value !== '';
}
