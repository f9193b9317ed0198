// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { ClientCertificate } from './device-authentication.ts';

/** Why a device is not believed to be who it says it is; the sentences stand in `IDENTITY_REFUSALS`. Codes never change. */
export type IdentityRefusalCode =
  | 'certificate-expired'
  | 'certificate-unknown-ca'
  | 'certificate-superseded'
  | 'device-revoked';

/** One sentence for each code. */
export const IDENTITY_REFUSALS = {
  'certificate-expired':
    'The certificate of the device has run out: order a new one with POST /v1/certificate, on a connection without it',
  'certificate-unknown-ca': 'The certificate was not signed by the CA of this installation for a device',
  'certificate-superseded': 'The certificate is for a key that the device does not have any more',
  'device-revoked': 'The key of the device has been revoked; a person must let the device in again, with a new key',
} as const satisfies Readonly<Record<IdentityRefusalCode, string>>;

/** What a gateway holds a device against with each request, on old connections and resumed sessions too. */
export interface IdentityWorld {
  /** Of the newest policy. */
  readonly isRevoked: (keyId: KeyId) => boolean;
  /** The clock by which certificates run out. */
  readonly now: FleetInstant;
}

/**
 * Whether who was found to be a device may still speak as it. The certificate was verified when its connection was opened, days
 * ago perhaps: since then its key may have been revoked or exchanged, and it may have run out. Codes: device-revoked,
 * certificate-superseded, certificate-expired.
 */
export function admitIdentity(
  registered: { readonly keyId: KeyId },
  certificate: ClientCertificate | undefined,
  world: IdentityWorld,
): Result<'admitted', { readonly code: IdentityRefusalCode }> {
  const keyId = certificate?.keyId;
  if (world.isRevoked(registered.keyId) || (keyId !== undefined && world.isRevoked(keyId))) {
    return err({ code: 'device-revoked' });
  }
  if (keyId !== undefined && keyId !== registered.keyId) return err({ code: 'certificate-superseded' });
  const notAfter = certificate?.notAfter;
  return notAfter !== undefined && world.now >= notAfter ? err({ code: 'certificate-expired' }) : ok('admitted');
}
