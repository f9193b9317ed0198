// SPDX-License-Identifier: Apache-2.0
import { createHash, hash } from 'node:crypto';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import type { Image } from '@outrider/domain/release/release';
import { cutIntoBlocks } from './cut-into-blocks.ts';

/**
 * 64 KiB: what one interruption may cost, and small enough to hold twice on the smallest device. The list of a 1 GiB
 * image is 512 KiB.
 */
export const BLOCK_BYTES = 65_536 as Bytes;

/** Raw SHA-256. */
export const HASH_BYTES = 32;

/** An image as the manifest names it, with the list itself. */
export interface BlockList {
  readonly image: Image;
  /** The raw hashes of all blocks in order, 32 bytes each: the blob named by `image.blocksDigest`. */
  readonly blocks: Uint8Array;
}

/** Hashes an image as it streams by: the whole, and each block of `blockBytes`. Memory: one block and the list. */
export async function listBlocks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  blockBytes: Bytes = BLOCK_BYTES,
): Promise<BlockList> {
  const whole = createHash('sha256');
  const hashes: Buffer[] = [];
  let bytes = 0;
  for await (const block of cutIntoBlocks(chunks, blockBytes)) {
    whole.update(block);
    hashes.push(hash('sha256', block, 'buffer'));
    bytes += block.byteLength;
  }
  const blocks = Buffer.concat(hashes);
  return {
    image: {
      digest: whole.digest('hex') as Sha256,
      bytes: bytes as Bytes,
      blockBytes,
      blocksDigest: hash('sha256', blocks, 'hex') as Sha256,
    },
    blocks,
  };
}

/** How long the block list of an image must be. */
export function blockListBytes(image: Pick<Image, 'bytes' | 'blockBytes'>): Bytes {
  return (Math.ceil(image.bytes / image.blockBytes) * HASH_BYTES) as Bytes;
}
