// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { AuditHead, AuditRow } from './audit.ts';
import type { PublicKey, Signature } from './envelope.ts';

/** Checks Ed25519 signatures. Adapter: `adapters/shared/ed25519.ts` over node:crypto. Never throws: malformed is false. */
export interface SignatureVerifier {
  /** True when `signature` (base64) is the key's signature over the UTF-8 bytes of `message`. */
  verify(key: PublicKey, message: string, signature: string): boolean;
}

/** A private key that signs. Adapter: a key file; PKCS#11 and KMS come with the trust issue. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: string): Signature;
}

/** SHA-256 of UTF-8 text by the platform (hardware). Adapter: `adapters/shared/digest.ts`. */
export type DigestText = (text: string) => Sha256;

/** The audit log as it is read. It has no writing side: each change brings its note to the port that makes it. */
export interface AuditLog {
  loadHead(): Promise<AuditHead>;
  /** Entries after a sequence, ascending, at most `limit`; those of an actor, of an action, from an instant of fleet time on. */
  loadEntries(page: AuditPage): Promise<readonly AuditRow[]>;
}

/** Which entries of the audit log are asked for. */
export interface AuditPage {
  /** Zero: from the first on. */
  readonly after: number;
  readonly limit: number;
  readonly since?: FleetInstant;
  readonly actor?: string;
  readonly action?: string;
}
