// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type ClientCertificate, parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import { type DeviceId, type KeyId, parseId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { keyId as readKeyId } from '@outrider/protocol/kernel/values';
import { digestBytes } from '../../shared/digest.ts';
import { keyIdOf, publicKeyBytes } from '../../shared/ed25519.ts';
import { type CertificateFields, readCertificate } from '../../shared/x509/certificate-read.ts';
import { commonNameIn, keyIdIn, subjectIn } from '../../shared/x509/distinguished-name.ts';
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
  return clientCertificateOf(certificate.raw, files);
}

function clientCertificateOf(der: Buffer, { issuing }: CaFiles): Result<ClientCertificate, 'refused'> {
  const read = readCertificate(der);
  // Below a root that signs for others too, only our CA names devices.
  if (read === undefined || !subjectOf(issuing[0]).equals(read.issuer)) return err('refused');
  const deviceId = parseId<DeviceId>('device id', commonNameIn(read.subject));
  const serial = parseCertificateSerial(read.serialNumber);
  if (!deviceId.ok || serial === undefined) return err('refused');
  const keyId = keyIdFor(read);
  return ok({
    deviceId: deviceId.value,
    serial,
    fingerprint: digestBytes(der),
    ...(keyId === undefined ? {} : { keyId }),
    notAfter: fleetInstant(read.notAfterMs),
  });
}

/** Of an Ed25519 key its own id; of any other what our CA has written beside the name, as a terminator in front passes it on. */
function keyIdFor({ publicKeyInfo, subject }: CertificateFields): KeyId | undefined {
  const raw = publicKeyBytes(publicKeyInfo);
  if (raw !== undefined) return keyIdOf(raw);
  const named = readKeyId(keyIdIn(subject));
  return named.ok ? named.value : undefined;
}

/** The CA of an installation stays the same as long as the process: its name is taken out of it once. */
function subjectOf(authority: X509Certificate): Buffer {
  const known = subjects.get(authority);
  if (known !== undefined) return known;
  const subject = Buffer.from(subjectIn(authority.raw));
  subjects.set(authority, subject);
  return subject;
}

const subjects = new WeakMap<X509Certificate, Buffer>();
