// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import {
  namesCertificate,
  parseClientCertificate,
  parseVerifyResult,
} from '@outrider/protocol/gateway/client-certificate';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { type DeviceResponse, problemResponse } from '../gateway/device-request.ts';
import { identityRefusal } from '../gateway/identity-gate.ts';
import type { CertificateOf } from './device-listener.ts';

/** On the open port: whoever names a certificate there is refused, so that a mistake in a proxy is seen and not believed. */
export const noCertificate: CertificateOf = ({ headers }) => {
  if (!namesCertificate(headers)) return ok(undefined);
  const detail =
    'The request names a client certificate in Outrider-Certificate-*, which this port believes nobody; ' +
    'take the headers out, or send it through the socket of the terminator';
  return err(problemResponse({ code: 'certificate-untrusted', detail }));
};

/** On the socket that only the terminator can open: it has verified the certificate, and lets no client write these headers. */
export const certificateOfTerminator: CertificateOf = ({ headers }) => {
  const verified = parseVerifyResult(headers);
  if (!verified.ok) return malformed(verified.error);
  if (verified.value !== 'verified') return err(refusedCertificate(verified.value));
  const certificate = parseClientCertificate(headers);
  return certificate.ok ? certificate : malformed(certificate.error);
};

/** A certificate that proves nothing is never taken for none: its holder would not learn why. */
export function refusedCertificate(found: 'expired' | 'refused'): DeviceResponse {
  return identityRefusal(found === 'expired' ? 'certificate-expired' : 'certificate-unknown-ca');
}

function malformed(error: ParseError): Result<never, DeviceResponse> {
  return err(problemResponse({ code: 'certificate-malformed', detail: describeParseError(error) }));
}
