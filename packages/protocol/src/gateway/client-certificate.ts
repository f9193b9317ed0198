// SPDX-License-Identifier: Apache-2.0
import { type ClientCertificate, parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { ParseError } from '../kernel/parse-error.ts';
import { below, faultOf } from '../kernel/reader.ts';
import { deviceId, sha256 } from '../kernel/values.ts';
import type { RequestHeaders } from './request-signature.ts';

/** The common name of the subject of the client certificate: the id of its device. */
export const CERTIFICATE_DEVICE_HEADER = 'outrider-certificate-device';
/** Its serial number in hexadecimal. */
export const CERTIFICATE_SERIAL_HEADER = 'outrider-certificate-serial';
/** SHA-256 of its DER in hexadecimal. */
export const CERTIFICATE_SHA256_HEADER = 'outrider-certificate-sha256';

/**
 * Reads the client certificate that a trusted terminator names; undefined when it names none: then the client had none. An empty
 * header is one that is not there, since a proxy that sets a header from nothing writes an empty one. Code: body-malformed,
 * with the header's name as path.
 */
export function parseClientCertificate(headers: RequestHeaders): Result<ClientCertificate | undefined, ParseError> {
  if (!namesCertificate(headers)) return ok(undefined);
  const device = deviceId(headers[CERTIFICATE_DEVICE_HEADER]);
  if (!device.ok) return err(below(CERTIFICATE_DEVICE_HEADER, device.error));
  const serialText = headers[CERTIFICATE_SERIAL_HEADER];
  const serial = parseCertificateSerial(serialText);
  if (serial === undefined) return err(below(CERTIFICATE_SERIAL_HEADER, faultOf(serialText, SERIAL_ALLOWED)));
  const digestText = headers[CERTIFICATE_SHA256_HEADER];
  const fingerprint = sha256(typeof digestText === 'string' ? digestText.toLowerCase() : digestText);
  if (!fingerprint.ok) return err(below(CERTIFICATE_SHA256_HEADER, fingerprint.error));
  return ok({ deviceId: device.value, serial, fingerprint: fingerprint.value });
}

/** Whether any of the three headers is there: on the open port, where nobody may name a certificate, this refuses a request. */
export function namesCertificate(headers: RequestHeaders): boolean {
  return (
    isThere(headers[CERTIFICATE_DEVICE_HEADER]) ||
    isThere(headers[CERTIFICATE_SERIAL_HEADER]) ||
    isThere(headers[CERTIFICATE_SHA256_HEADER])
  );
}

const SERIAL_ALLOWED = 'a serial number: 1 to 40 hexadecimal digits';

function isThere(value: string | readonly string[] | undefined): boolean {
  return value !== undefined && value !== '';
}
