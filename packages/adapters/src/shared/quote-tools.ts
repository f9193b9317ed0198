// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { QuoteTools } from '@outrider/domain/gateway/judge-quote';
import { digestBytes } from './digest.ts';

/** Checks quotes of TPMs by node:crypto. */
export const QUOTE_TOOLS: QuoteTools = {
  verify(publicKey, bytes, signature) {
    try {
      const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
      return isAllowed(key) && verify('sha256', bytes, key, Buffer.from(signature, 'base64'));
    } catch (cause) {
      // What OpenSSL cannot read as a key, or as a signature by it.
      if (cause instanceof Error) return false;
      throw cause;
    }
  },
  digestBytes,
};

/** RSA keys of TPMs have 2,048 bits or more. */
const RSA_BITS_MIN = 2_048;

function isAllowed({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ec') return asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN;
}
