// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { DISK_WORK, type DiskWork } from '@outrider/testkit/memory-storage';

/**
 * One copy in memory of each image, however many devices hold it: nothing ever writes into the bytes of a slot, and ten
 * thousand copies were half a gigabyte for the garbage collector to watch.
 */
export interface SharedImages {
  /** Puts the copy that all share in place of this slot's own, when the bytes are the same. */
  share(slot: Map<string, Uint8Array>, component: string): void;
  /** SHA-256 of bytes; of shared ones it is computed once. */
  digestOf(bytes: Uint8Array): string;
  /** The work of a disk, done once for the same bytes: each delta is decoded by the first device that installs it. */
  readonly work: DiskWork;
}

/** Versions of a simulated product; what was cut half-way is nobody's to share. */
const IMAGES_MAX = 16;
/** Two releases with their ways back, each from every version before it, as deltas and whole. */
const DECODED_MAX = 64;

export function sharedImages(): SharedImages {
  const copies = new Map<string, Uint8Array>();
  const digests = new WeakMap<Uint8Array, string>();
  const decoded = new Map<string, readonly Uint8Array[]>();

  function digestOf(bytes: Uint8Array): string {
    const known = digests.get(bytes) ?? hash('sha256', bytes, 'hex');
    digests.set(bytes, known);
    return known;
  }

  /** All that the result depends on stands in the key; what fails is not kept, and fails again. */
  async function* decode(...[order, from]: Parameters<DiskWork['decode']>): AsyncGenerator<Uint8Array> {
    const { kind } = order.artifact;
    const key = [kind, digestOf(from.content), digestOf(from.blocks), digestOf(from.base), JSON.stringify(order.image)];
    const known = decoded.get(key.join(' '));
    if (known !== undefined) return yield* known;
    const blocks: Uint8Array[] = [];
    for await (const block of DISK_WORK.decode(order, from)) {
      blocks.push(block);
      yield block;
    }
    if (decoded.size < DECODED_MAX) decoded.set(key.join(' '), blocks);
  }

  return {
    digestOf,
    work: { digestOf, decode },
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
