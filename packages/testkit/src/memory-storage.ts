// SPDX-License-Identifier: Apache-2.0
import { digestBytes } from '@outrider/adapters/shared/digest';
import { applyDelta } from '@outrider/delta/apply';
import { checkBlocks } from '@outrider/delta/check-blocks';
import { DeltaError } from '@outrider/delta/errors';
import type { InstallOrder, SlotName, Storage, StorageError } from '@outrider/domain/device/ports';
import { otherSlot } from '@outrider/domain/device/state';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';

/** What a device's disk holds: it survives a cut, the storage made on it does not. */
export interface MemoryDisk {
  journal: string | undefined;
  readonly metadata: Map<string, string>;
  readonly staged: Map<Sha256, Uint8Array>;
  readonly slots: Readonly<Record<SlotName, Map<string, Uint8Array>>>;
}

/** Thrown at the effect at which the power is cut. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/** Called before each durable effect; throws PowerCut where the power goes. */
export type PowerGate = (effect: string) => void;

/** A disk with these images in slot a. */
export function memoryDisk(images: Readonly<Record<string, Uint8Array>>): MemoryDisk {
  return {
    journal: undefined,
    metadata: new Map(),
    staged: new Map(),
    slots: { a: new Map(Object.entries(images)), b: new Map() },
  };
}

/** What costs a disk time and depends on its arguments alone: thousands of disks in one process may do it once. */
export interface DiskWork {
  /** SHA-256. */
  readonly digestOf: (bytes: Uint8Array) => string;
  /** The image, block by block, each as it should be. Throws DeltaError. */
  readonly decode: (order: Pick<InstallOrder, 'image' | 'artifact'>, from: DecodedFrom) => AsyncIterable<Uint8Array>;
}

/** What an image is made from. */
export interface DecodedFrom {
  /** The artifact. */
  readonly content: Uint8Array;
  readonly blocks: Uint8Array;
  readonly base: Uint8Array;
}

/** As every device does it. */
export const DISK_WORK: DiskWork = {
  digestOf: digestBytes,
  decode({ image, artifact }, { content, blocks, base }) {
    const chunks = artifact.kind === 'full' ? [content] : applyDelta([content], base, image.bytes);
    return checkBlocks(chunks, image, blocks);
  },
};

/**
 * A device's storage in memory, with the semantics of the file storage: the same deltas are decoded and the same blocks
 * checked. Each chunk that is staged and each block that is written is an effect of its own.
 */
export function memoryStorage(disk: MemoryDisk, gate: PowerGate = () => {}, work: DiskWork = DISK_WORK): Storage {
  return {
    loadMetadata: (name) => Promise.resolve(disk.metadata.get(name)),
    async storeMetadata(name, text) {
      gate('metadata');
      disk.metadata.set(name, text);
    },
    loadJournal: async () => disk.journal,
    async storeJournal(text) {
      gate('journal');
      disk.journal = text;
    },
    stagedBytes: async (digest) => disk.staged.get(digest)?.byteLength ?? 0,
    async stage(digest, chunks, bytesMax) {
      for await (const chunk of chunks) {
        const former = disk.staged.get(digest) ?? new Uint8Array(0);
        if (former.byteLength + chunk.byteLength > bytesMax) {
          return err({ code: 'too-long', detail: `The blob goes on after the ${bytesMax} bytes that were promised` });
        }
        gate('stage');
        disk.staged.set(digest, Buffer.concat([former, chunk]));
      }
      return ok(disk.staged.get(digest)?.byteLength ?? 0);
    },
    async verifyStaged(digest) {
      const content = disk.staged.get(digest);
      if (content !== undefined && work.digestOf(content) === digest) return true;
      gate('discard');
      disk.staged.delete(digest);
      return false;
    },
    install: (order) => install(disk, gate, { order, work }),
    async verifySlot(slot) {
      return [...disk.slots[slot]].map(([name, content]) => ({
        name,
        // SHA-256 in hexadecimal is what the brand means.
        digest: work.digestOf(content) as Sha256,
      }));
    },
    async discardStaged() {
      gate('discard');
      disk.staged.clear();
    },
  };
}

async function install(
  disk: MemoryDisk,
  gate: PowerGate,
  { order, work }: { readonly order: InstallOrder; readonly work: DiskWork },
): Promise<Result<'installed', StorageError>> {
  const { slot, component, image, artifact } = order;
  const blocks = disk.staged.get(image.blocksDigest) ?? new Uint8Array(0);
  const digest = artifact.kind === 'full' ? artifact.digest : artifact.delta.digest;
  const content = disk.staged.get(digest) ?? new Uint8Array(0);
  const base = disk.slots[otherSlot(slot)].get(component) ?? new Uint8Array(0);
  if (artifact.kind === 'delta' && work.digestOf(base) !== artifact.delta.fromDigest) {
    return err({ code: 'base-mismatch', detail: 'The running image is not the base of the delta' });
  }
  gate('clear');
  disk.slots[slot].delete(component);
  const written: Uint8Array[] = [];
  try {
    for await (const block of work.decode(order, { content, blocks, base })) {
      gate('write');
      written.push(block);
    }
    if (image.bytes === 0) disk.slots[slot].set(component, new Uint8Array(0));
  } catch (cause) {
    if (!(cause instanceof DeltaError)) throw cause;
    return err({ code: cause.code === 'delta-corrupt' ? 'delta-corrupt' : 'digest-mismatch', detail: cause.message });
  } finally {
    // What was written stays, whatever came then.
    if (written.length > 0) disk.slots[slot].set(component, Buffer.concat(written));
  }
  return ok('installed');
}
