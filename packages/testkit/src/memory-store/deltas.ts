// SPDX-License-Identifier: Apache-2.0
import type { DeltaStore } from '@outrider/domain/delta/ports';
import type { MemoryState } from './state.ts';

export function memoryDeltas({ deltas }: MemoryState): DeltaStore {
  return {
    async storeDelta(delta) {
      const key = `${delta.toDigest} ${delta.fromDigest} ${delta.format}`;
      if (!deltas.has(key)) deltas.set(key, delta);
    },
    async loadDeltasTo(digests) {
      const wanted = new Set(digests);
      return [...deltas]
        .filter(([, delta]) => wanted.has(delta.toDigest))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, delta]) => delta);
    },
  };
}
