// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';

/**
 * One copy in memory of each image, however many devices hold it: nothing ever writes into the bytes of a slot, and ten
 * thousand copies were half a gigabyte for the garbage collector to watch.
 */
export interface SharedImages {
  /** Puts the copy that all share in place of this slot's own, when the bytes are the same. */
  share(slot: Map<string, Uint8Array>, component: string): void;
  /** SHA-256 of bytes; of shared ones it is computed once. */
  digestOf(bytes: Uint8Array): string;
}

/** Versions of a simulated product; what was cut half-way is nobody's to share. */
const IMAGES_MAX = 16;

export function sharedImages(): SharedImages {
  const copies = new Map<string, Uint8Array>();
  const digests = new WeakMap<Uint8Array, string>();

  function digestOf(bytes: Uint8Array): string {
    const known = digests.get(bytes) ?? hash('sha256', bytes, 'hex');
    digests.set(bytes, known);
    return known;
  }

  return {
    digestOf,
    share(slot, component) {
      const own = slot.get(component);
      if (own === undefined) return;
      const digest = digestOf(own);
      const copy = copies.get(digest);
      if (copy !== undefined) slot.set(component, copy);
      else if (copies.size < IMAGES_MAX) copies.set(digest, own);
    },
  };
}
