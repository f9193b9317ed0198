// SPDX-License-Identifier: Apache-2.0
import { err, ok } from '@outrider/domain/kernel/result';
import { namesCertificate, parseClientCertificate } from '@outrider/protocol/gateway/client-certificate';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { problemResponse } from '../gateway/device-request.ts';
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
  const certificate = parseClientCertificate(headers);
  if (certificate.ok) return certificate;
  return err(problemResponse({ code: 'certificate-malformed', detail: describeParseError(certificate.error) }));
};
