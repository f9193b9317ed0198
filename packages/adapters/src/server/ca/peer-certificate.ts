// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type ClientCertificate, parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { digestBytes } from '../../shared/digest.ts';
import { publicKeyBytes, publicKeyInfo, publicKeyOf } from '../../shared/ed25519.ts';
import { readWhole } from '../../shared/x509/der-read.ts';
import { commonNameIn, subjectIn } from '../../shared/x509/distinguished-name.ts';
import type { CaFiles } from './ca-folder.ts';

/**
 * The certificate of a device behind a connection, new or taken up again; undefined when it showed none. Anything that OpenSSL
 * did not find in order is refused, also where it found several things: the last one hides those before it.
 */
export function readPeer(
  socket: TLSSocket,
  files: CaFiles,
): Result<ClientCertificate | undefined, 'expired' | 'refused'> {
  const certificate = socket.getPeerX509Certificate();
  // Not `authorized`: Node says so of a session that was taken up without a certificate too.
  if (certificate === undefined) return ok(undefined);
  if (!socket.authorized) {
    // Node gives the code as text where its types say Error.
    const fault: unknown = socket.authorizationError;
    return err(String(fault).includes('CERT_HAS_EXPIRED') ? 'expired' : 'refused');
  }
  // Below a root that signs for others too, only our CA names devices.
  if (certificate.issuer !== files.issuing[0].subject) return err('refused');
  return clientCertificateOf(certificate);
}

function clientCertificateOf(certificate: X509Certificate): Result<ClientCertificate, 'refused'> {
  const subject = readWhole(subjectIn(certificate.raw));
  const deviceId = parseId<DeviceId>('device id', subject === undefined ? undefined : commonNameIn(subject));
  const serial = parseCertificateSerial(certificate.serialNumber);
  const key = publicKeyBytes(publicKeyInfo(certificate.publicKey));
  if (!deviceId.ok || serial === undefined || key === undefined) return err('refused');
  return ok({
    deviceId: deviceId.value,
    serial,
    fingerprint: digestBytes(certificate.raw),
    keyId: publicKeyOf(key).keyId,
    notAfter: fleetInstant(certificate.validToDate.getTime()),
  });
}
