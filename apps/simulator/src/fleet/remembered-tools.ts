// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { MetadataReader, TrustTools } from '@outrider/domain/trust/tuf/ports';

/** The documents of a repository are some dozens; the director's word for one device is read twice or three times. */
const REMEMBERED_MAX = 32_768;

/**
 * Reads, hashes and verifies each document once for a whole process of devices. Each device of a real fleet does it on its own
 * processor; thousands in one process would only repeat the same computation with the same texts. A bad signature is remembered
 * as little as a bad document: they are looked at anew each time.
 */
export function rememberedTools(tools: TrustTools): TrustTools {
  const verified = new Map<string, { readonly publicKey: string; readonly message: string }>();
  const digests = new Map<string, string | undefined>();
  return {
    verifier: {
      verify(key, message, signature) {
        const known = verified.get(signature);
        if (known !== undefined && known.publicKey === key.publicKey && known.message === message) return true;
        const isValid = tools.verifier.verify(key, message, signature);
        if (isValid) keep(verified, signature, { publicKey: key.publicKey, message });
        return isValid;
      },
    },
    digest(algorithm, text) {
      if (algorithm !== 'sha256') return tools.digest(algorithm, text);
      const known = digests.get(text);
      if (known !== undefined) return known;
      const made = tools.digest(algorithm, text);
      keep(digests, text, made);
      return made;
    },
    read: rememberedReader(tools.read),
  };
}

function rememberedReader({ root, timestamp, snapshot, targets }: MetadataReader): MetadataReader {
  return {
    root: remembered(root),
    timestamp: remembered(timestamp),
    snapshot: remembered(snapshot),
    targets: remembered(targets),
  };
}

function remembered<T>(read: (text: string) => Result<T, string>): (text: string) => Result<T, string> {
  const known = new Map<string, Result<T, string>>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = read(text);
    if (made.ok) keep(known, text, made);
    return made;
  };
}

function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  if (map.size >= REMEMBERED_MAX) map.clear();
  map.set(key, value);
}
