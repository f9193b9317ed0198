// SPDX-License-Identifier: Apache-2.0
import type { Brand } from '../kernel/brand.ts';
import type { DeviceId, KeyId, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';

/**
 * How a request was found to come from its device. `signed`: the device's key over method, path and body, verified for this
 * request. `certified`: a terminator of TLS whom the server trusts has verified the client certificate of the connection;
 * nothing is left to verify for the request itself. Evidence (reports) is signed in both cases.
 */
export type DeviceAuthentication =
  | { readonly kind: 'signed'; readonly deviceId: DeviceId; readonly signature: string }
  | {
      readonly kind: 'certified';
      readonly deviceId: DeviceId;
      readonly certificate: ClientCertificate;
      /** Of the device's own key over this request, verified; absent where none was asked for. */
      readonly signature?: string;
    };

/** A client certificate that was verified up to its authority by whoever ended the TLS connection. */
export interface ClientCertificate {
  /** The common name of its subject. */
  readonly deviceId: DeviceId;
  /** The serial number (RFC 5280 §4.1.2.2) in lower-case hexadecimal without leading zeros: what a revocation names. */
  readonly serial: CertificateSerial;
  /** SHA-256 of the whole certificate in DER. */
  readonly fingerprint: Sha256;
  /** Of the key that it is for, as our CA writes it into the subject; absent where another CA, or its terminator, does not say. */
  readonly keyId?: KeyId;
  /** An open connection outlives its certificate; what it may do does not. Absent where its terminator does not say. */
  readonly notAfter?: FleetInstant;
}

/** Up to 20 bytes (RFC 5280 §4.1.2.2) in lower-case hexadecimal without leading zeros. */
export type CertificateSerial = Brand<string, 'CertificateSerial'>;

/** Reads a serial number in hexadecimal as OpenSSL, node:tls and HAProxy write it, upper or lower case; undefined: it is none. */
export function parseCertificateSerial(value: unknown): CertificateSerial | undefined {
  if (typeof value !== 'string' || !SERIAL.test(value)) return undefined;
  return (value.toLowerCase().replace(/^0+/, '') || '0') as CertificateSerial;
}

const SERIAL = /^[0-9A-Fa-f]{1,40}$/;
