// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import {
  type DeviceCa,
  type DeviceCredentials,
  ED25519_ALONE,
  type IssueError,
} from '@outrider/domain/gateway/identity-ports';
import { present } from '@outrider/domain/kernel/assert';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { hashUnit } from '@outrider/domain/kernel/sha256';
import { DAY_MS, fleetInstant, instantText, MINUTE_MS } from '@outrider/domain/kernel/time';
import { digestBytes } from '../../shared/digest.ts';
import { keyIdOfInfo, publicKeyBytes } from '../../shared/ed25519.ts';
import { readCertificateRequest } from '../../shared/x509/certificate-request.ts';
import { subjectIn } from '../../shared/x509/distinguished-name.ts';
import type { CaFiles } from './ca-folder.ts';
import { makeCertificate, pemOf } from './make-certificate.ts';

export interface DeviceCaOptions {
  readonly files: CaFiles;
  /** The wall clock: whoever ends TLS goes by it too. */
  readonly clock: FleetClock;
  readonly lifeDays: number;
}

/** Clocks of gateways and terminators differ by seconds: a certificate is valid a little before it is made. */
const BEFORE_MS = 5 * MINUTE_MS;

/** A fleet that registered on one morning does not renew on one morning: by this share of its life earlier, at most. */
const RENEWAL_SPREAD = 0.1;

/** The CA for devices over an online key, whose own certificate the root has signed. */
export function openDeviceCa({ files, clock, lifeDays }: DeviceCaOptions): DeviceCa {
  const { issuing, issuingKey, roots } = files;
  const issuerName = subjectIn(issuing[0].raw);
  const issuerEndsMs = issuing[0].validToDate.getTime();
  return {
    serverRoots: roots.map((one) => pemOf(one.raw)).join(''),
    serverRootDigest: digestBytes(present(roots[0], 'a root, without which no folder is read').raw),
    now: () => clock.now(),
    issue({ csr, deviceId, publicKey }) {
      const request = readCertificateRequest(csr);
      if (!request.ok) return request;
      const { commonName, publicKeyInfo } = request.value;
      if (publicKeyBytes(publicKeyInfo) === undefined) return keyKindUnsupported();
      if (commonName !== deviceId || keyIdOfInfo(publicKeyInfo) !== publicKey.keyId) {
        return forAnother({ commonName, deviceId });
      }
      return make(deviceId, publicKeyInfo);
    },
    issueToDdi({ csr, deviceId }) {
      const request = readCertificateRequest(csr);
      if (!request.ok) return request;
      const { commonName, publicKeyInfo } = request.value;
      return commonName === deviceId ? make(deviceId, publicKeyInfo) : forAnother({ commonName, deviceId });
    },
  };

  function make(deviceId: DeviceId, subjectKey: Uint8Array): Result<DeviceCredentials, IssueError> {
    const nowMs = clock.now();
    if (nowMs >= issuerEndsMs) return expired(issuing[0]);
    const keyId = keyIdOfInfo(subjectKey);
    const notBeforeMs = wholeSeconds(nowMs - BEFORE_MS);
    const notAfterMs = wholeSeconds(Math.min(nowMs + lifeDays * DAY_MS, issuerEndsMs));
    const subject = { commonName: deviceId, keyId };
    const made = makeCertificate(
      { subject, subjectKey, notBeforeMs, notAfterMs, use: { kind: 'device' } },
      { name: issuerName, key: issuingKey },
    );
    const spread = 1 - RENEWAL_SPREAD * hashUnit(deviceId, 'renewal', made.serial);
    return ok({
      certificate: {
        ...{ serial: made.serial, deviceId, keyId },
        notBefore: fleetInstant(notBeforeMs),
        notAfter: fleetInstant(notAfterMs),
      },
      // Whoever ends TLS has what leads to the root: the less a device sends and they verify, the cheaper a connection.
      chain: pemOf(made.der),
      renewAfter: fleetInstant(wholeSeconds(nowMs + ((notAfterMs - nowMs) / 2) * spread)),
    });
  }
}

/** Certificates tell time in seconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}

function keyKindUnsupported(): Result<never, IssueError> {
  const detail = `The certificate request is for a key that is not Ed25519; ${ED25519_ALONE}`;
  return err({ code: 'key-kind-unsupported', detail });
}

function forAnother(names: { readonly commonName: string; readonly deviceId: string }): Result<never, IssueError> {
  const detail = `The certificate request is for ${names.commonName.slice(0, 128)}, or for another key than this device has, ${names.deviceId}; make it with its own id and key`;
  return err({ code: 'csr-for-another', detail });
}

function expired(issuer: X509Certificate): Result<never, IssueError> {
  const ended = instantText(fleetInstant(issuer.validToDate.getTime()));
  const detail = `The CA for devices has run out at ${ended}; renew it with \`outrider ca renew\`: until then no device gets a certificate`;
  return err({ code: 'ca-expired', detail });
}
