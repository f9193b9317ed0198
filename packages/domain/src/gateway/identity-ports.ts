// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, KeyId, Sha256 } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { AuditNote } from '../trust/audit.ts';
import type { PublicKey } from '../trust/envelope.ts';
import type { CertificateSerial } from './device-authentication.ts';
import type { RegistrationToken } from './registration-token.ts';

/** A certificate of a device as it was issued. */
export interface IssuedCertificate {
  readonly serial: CertificateSerial;
  readonly deviceId: DeviceId;
  readonly keyId: KeyId;
  readonly notBefore: FleetInstant;
  readonly notAfter: FleetInstant;
}

/** What a device is given to speak over mutual TLS. */
export interface DeviceCredentials {
  readonly certificate: IssuedCertificate;
  /** PEM, the device's own certificate first, then what leads to the root. */
  readonly chain: string;
  /** When the device asks for the next one: at half time. */
  readonly renewAfter: FleetInstant;
}

/** Why no certificate was made. */
export interface IssueError {
  readonly code: 'csr-malformed' | 'csr-for-another' | 'key-kind-unsupported' | 'ca-expired';
  readonly detail: string;
}

/** The online CA for devices. Adapter: `adapters/server/ca/device-ca.ts` over a folder of keys. */
export interface DeviceCa {
  /** PEM of the roots that a device pins for the server. */
  readonly serverRoots: string;
  /** SHA-256 of the first of them in DER: what a token carries, so that a device finds the right server at first contact. */
  readonly serverRootDigest: Sha256;
  /** By the clock that whoever ends TLS goes by, which no conductor steps. */
  now(): FleetInstant;
  /** Codes: csr-malformed, csr-for-another (another name or key than the device's), key-kind-unsupported, ca-expired. */
  issue(request: {
    readonly csr: string;
    readonly deviceId: DeviceId;
    readonly publicKey: PublicKey;
  }): Result<DeviceCredentials, IssueError>;
  /**
   * For a device that speaks hawkBit's DDI, on the word of a person: nobody ever signs with its key but a handshake, so that it
   * may be of any kind that TLS takes. Codes: csr-malformed, csr-for-another (another name), ca-expired.
   */
  issueToDdi(request: { readonly csr: string; readonly deviceId: DeviceId }): Result<DeviceCredentials, IssueError>;
}

/** Why a device of our own has no other kind of key, and what to do; the end of a sentence. */
export const ED25519_ALONE =
  'devices sign their reports with Ed25519, so make such a key for it; a device that can hold none takes part over ' +
  'hawkBit’s DDI, by `outrider device add --ddi` and `outrider ddi certificate`';

/** A device's proof that it left a pinned factory: its certificate, and a signature with that certificate's key. */
export interface FactoryProof {
  /** DER in base64, the device's first, then what leads to the pinned root. */
  readonly certificates: readonly string[];
  /** Over `factoryProofText`, base64. */
  readonly signature: string;
}

/** Why a factory certificate admits nobody. Codes never change. */
export type FactoryRefusalCode =
  | 'factory-unknown-ca'
  | 'factory-certificate-expired'
  | 'factory-certificate-for-another'
  | 'factory-proof-invalid';

/** The factories whose certificates let a device register. Adapter: `adapters/server/ca/factory-cas.ts`. */
export interface FactoryCas {
  /** Whether the proof is that of this device for this key. Codes: those of `FactoryRefusalCode`. */
  verify(
    proof: FactoryProof,
    device: { readonly deviceId: DeviceId; readonly keyId: KeyId },
  ): Result<'proved', { readonly code: FactoryRefusalCode }>;
}

/** Tokens to register with, and the certificates that were given out. */
export interface IdentityStore {
  /** A note goes into the audit log with it. */
  storeToken(token: RegistrationToken, note: AuditNote): Promise<void>;
  /** The newest first. */
  listTokens(limit: number): Promise<readonly RegistrationToken[]>;
  /** One batched write: which certificates exist is known before any leaves. */
  storeCertificates(certificates: readonly IssuedCertificate[]): Promise<void>;
  /** Those of a device, the newest first. */
  loadCertificates(deviceId: DeviceId, limit: number): Promise<readonly IssuedCertificate[]>;
}

/** The text that a factory key signs: which device, with which new key. */
export function factoryProofText(device: { readonly deviceId: DeviceId; readonly keyId: KeyId }): string {
  return `outrider-factory-v1\n${device.deviceId}\n${device.keyId}`;
}

/** One sentence for each code. */
export const FACTORY_REFUSALS = {
  'factory-unknown-ca': 'The certificate leads to none of the factories that are pinned here',
  'factory-certificate-expired': 'A certificate on the way from the device to its factory has run out',
  'factory-certificate-for-another': 'The factory certificate has another common name than the id to register',
  'factory-proof-invalid': 'The signature is not by the key of the factory certificate over this id and key',
} as const satisfies Readonly<Record<FactoryRefusalCode, string>>;
