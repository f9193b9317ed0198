// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { DeviceAttributes } from '../policy/attributes.ts';
import type { PublicKey } from '../trust/envelope.ts';
import type { TrustAnchors } from '../trust/role.ts';
import type { RunningSoftware } from './device-record.ts';
import type { FactoryProof } from './identity-ports.ts';

/** A device asks for its identity, once. The request is signed with the very key it names: proof that it holds it. */
export interface Registration {
  /** A registration token: a secret. A registration has this or a factory's proof. */
  readonly token?: string;
  readonly factory?: FactoryProof;
  /** A PKCS#10 request for the same key, DER in base64; without it the device gets no certificate. */
  readonly csr?: string;
  readonly deviceId: DeviceId;
  readonly publicKey: PublicKey;
  readonly attributes: DeviceAttributes;
  readonly running: RunningSoftware;
}

/** What a device pins for good. */
export interface RegistrationAnswer {
  readonly deviceId: DeviceId;
  readonly anchors: TrustAnchors;
  /** Present when a certificate was asked for and the server has a CA. */
  readonly credentials?: GivenCredentials;
}

/** A device asks for a certificate: the first one, the next one at half time, or one after the last has run out. */
export interface CertificateOrder {
  readonly deviceId: DeviceId;
  /** PKCS#10 for the key that the device registered with, DER in base64. */
  readonly csr: string;
}

/** What a device is given for mutual TLS. */
export interface GivenCredentials {
  /** PEM: its certificate first, then what leads to the root. */
  readonly chain: string;
  /** PEM: the roots that it pins for the server from now on. */
  readonly serverRoots: string;
  readonly notAfter: FleetInstant;
  /** From then on it asks for the next one. */
  readonly renewAfter: FleetInstant;
}
