// SPDX-License-Identifier: Apache-2.0
import { createHash, hash } from 'node:crypto';
import type { KeyId } from '@outrider/domain/kernel/ids';
import type { SignatureVerifier, Signer } from '@outrider/domain/trust/ports';

/**
 * Signatures for a simulation of ten thousand devices: two hashes of secret and message, which is as unforgeable as Ed25519
 * to whoever does not know the secret, and costs a hundredth of it. The verifier knows every secret by its public key, so
 * this is for one process alone. Sizes and spelling are those of Ed25519, and a test plays a run with both to the same
 * digest.
 */
export interface QuickKeys {
  signerOf(secret: Uint8Array): Signer;
  readonly verifier: SignatureVerifier;
}

export function quickKeys(): QuickKeys {
  const secrets = new Map<string, string>();
  /** What each key was last asked about: what is signed is verified next, and a release by each device in turn. */
  const last = new Map<string, { readonly message: string; readonly signature: string }>();

  function lastOf(publicKey: string, secret: string, message: string): string {
    const known = last.get(publicKey);
    if (known?.message === message) return known.signature;
    const signature = signatureOf(secret, message);
    last.set(publicKey, { message, signature });
    return signature;
  }

  return {
    signerOf(secret) {
      const text = Buffer.from(secret).toString('hex');
      const raw = createHash('sha256').update(`public ${text}`).digest();
      // The id of a key is the SHA-256 of its raw public bytes, as everywhere.
      const publicKey = { keyId: hash('sha256', raw, 'hex') as string as KeyId, publicKey: raw.toString('base64') };
      secrets.set(publicKey.publicKey, text);
      return {
        publicKey,
        sign: (message) => ({ keyId: publicKey.keyId, signature: lastOf(publicKey.publicKey, text, message) }),
      };
    },
    verifier: {
      verify({ publicKey }, message, signature) {
        const secret = secrets.get(publicKey);
        return secret !== undefined && signature === lastOf(publicKey, secret, message);
      },
    },
  };
}

/** 64 bytes in base64: the length of a signature on the wire. */
function signatureOf(secret: string, message: string): string {
  return hash('sha512', `${secret} ${message}`, 'base64');
}
