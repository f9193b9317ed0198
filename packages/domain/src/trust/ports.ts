// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
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
