// SPDX-License-Identifier: Apache-2.0
import type { SignatureVerifier } from '@outrider/domain/trust/ports';

/** A release has a handful of signatures; the rest are permits, which nobody verifies twice. */
const REMEMBERED_MAX = 1_000;

/**
 * Verifies a signature once for a whole process of devices. Each device of a real fleet verifies the same release on its
 * own processor; thousands in one process would only repeat the same computation with the same three texts.
 */
export function rememberedVerifier(verifier: SignatureVerifier): SignatureVerifier {
  const verified = new Map<string, { readonly publicKey: string; readonly message: string }>();
  return {
    verify(key, message, signature) {
      const known = verified.get(signature);
      if (known !== undefined && known.publicKey === key.publicKey && known.message === message) return true;
      const isValid = verifier.verify(key, message, signature);
      if (isValid && verified.size < REMEMBERED_MAX) verified.set(signature, { publicKey: key.publicKey, message });
      return isValid;
    },
  };
}
