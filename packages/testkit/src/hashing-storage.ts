// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from 'node:crypto';
import type { ComponentDigest, SlotName, Storage } from '@outrider/domain/device/ports';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';

/**
 * The storage of a simulated device: what it fetches is counted and hashed, and nothing is kept. An image it would install
 * is taken for right when its artifact was, so that thousands of devices cost a few hundred bytes each. A download that was
 * cut goes on from where it was: the running hash is what survives.
 */
export function hashingStorage(running: readonly ComponentDigest[]): Storage {
  let journal: string | undefined;
  const metadata = new Map<string, string>();
  const staged = new Map<Sha256, { readonly hash: Hash; bytes: number; isRight?: boolean }>();
  const slots: Record<SlotName, readonly ComponentDigest[]> = { a: running, b: [] };
  return {
    loadMetadata: async (name) => metadata.get(name),
    storeMetadata: async (name, text) => void metadata.set(name, text),
    loadJournal: async () => journal,
    async storeJournal(text) {
      journal = text;
    },
    stagedBytes: async (digest) => staged.get(digest)?.bytes ?? 0,
    async stage(digest, chunks, bytesMax) {
      const blob = staged.get(digest) ?? { hash: createHash('sha256'), bytes: 0 };
      staged.set(digest, blob);
      for await (const chunk of chunks) {
        if (blob.bytes + chunk.byteLength > bytesMax) {
          staged.delete(digest);
          return err({ code: 'too-long', detail: `The blob goes on after the ${bytesMax} bytes that were promised` });
        }
        blob.hash.update(chunk);
        blob.bytes += chunk.byteLength;
      }
      return ok(blob.bytes);
    },
    async verifyStaged(digest) {
      const blob = staged.get(digest);
      if (blob === undefined) return false;
      blob.isRight ??= blob.hash.digest('hex') === digest;
      if (!blob.isRight) staged.delete(digest);
      return blob.isRight;
    },
    async install({ slot, component, image, artifact }) {
      const source = staged.get(artifact.kind === 'full' ? artifact.digest : artifact.delta.digest);
      if (source?.isRight !== true || staged.get(image.blocksDigest)?.isRight !== true) {
        return err({ code: 'digest-mismatch', detail: 'The artifact or its block list is not staged and verified' });
      }
      const others = slots[slot].filter(({ name }) => name !== component);
      slots[slot] = [...others, { name: component, digest: image.digest }];
      return ok('installed');
    },
    verifySlot: async (slot) => slots[slot],
    async discardStaged() {
      staged.clear();
    },
  };
}
