// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { MetadataReader, TrustTools } from '@outrider/domain/trust/tuf/ports';

/** The documents of a repository are some dozens; the director's word for one device, of which there are thousands, is read once. */
const REMEMBERED_MAX = 512;

/**
 * Reads, hashes and verifies each document once for a whole process of devices. Each device of a real fleet does it on its own
 * processor; thousands in one process would only repeat the same computation with the same texts. A bad signature is remembered
 * as little as a bad document: they are looked at anew each time.
 */
export function rememberedTools(tools: TrustTools): TrustTools {
  const verified = recent<{ readonly publicKey: string; readonly message: string }>();
  const digests = recent<string>();
  return {
    verifier: {
      verify(key, message, signature) {
        const known = verified.get(signature);
        if (known !== undefined && known.publicKey === key.publicKey && known.message === message) return true;
        const isValid = tools.verifier.verify(key, message, signature);
        if (isValid) verified.set(signature, { publicKey: key.publicKey, message });
        return isValid;
      },
    },
    digest(algorithm, text) {
      if (algorithm !== 'sha256') return tools.digest(algorithm, text);
      const known = digests.get(text);
      if (known !== undefined) return known;
      const made = tools.digest(algorithm, text);
      if (made !== undefined) digests.set(text, made);
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
  const known = recent<Result<T, string>>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = read(text);
    if (made.ok) known.set(text, made);
    return made;
  };
}

/** Holds what was asked for lately: two halves, of which the older one is let go when the newer is full. */
function recent<Value>() {
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  function set(key: string, value: Value): void {
    if (newer.size >= REMEMBERED_MAX) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, value);
  }
  return {
    set,
    get(key: string): Value | undefined {
      const found = newer.get(key);
      if (found !== undefined) return found;
      const former = older.get(key);
      if (former !== undefined) set(key, former);
      return former;
    },
  };
}
