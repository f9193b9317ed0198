// SPDX-License-Identifier: Apache-2.0
import { createHash, hash } from 'node:crypto';
import type { Image } from '@outrider/domain/release/release';
import { blockListBytes, HASH_BYTES } from './block-list.ts';
import { cutIntoBlocks } from './cut-into-blocks.ts';
import { DeltaError } from './errors.ts';

/**
 * Passes an image on block by block, each one only after its hash was found right, so that nothing unverified reaches a
 * slot. Ends well only when length and digest of the whole are right too.
 * Throws DeltaError: block-list-mismatch, too-long, too-short, digest-mismatch.
 */
export async function* checkBlocks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  image: Image,
  blocks: Uint8Array,
): AsyncGenerator<Uint8Array> {
  checkList(image, blocks);
  const whole = createHash('sha256');
  let bytes = 0;
  let index = 0;
  for await (const block of cutIntoBlocks(chunks, image.blockBytes)) {
    bytes += block.byteLength;
    if (bytes > image.bytes) {
      throw new DeltaError('too-long', `The image goes on after the ${image.bytes} bytes that were signed`);
    }
    const signed = blocks.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
    if (!hash('sha256', block, 'buffer').equals(signed)) {
      throw new DeltaError('digest-mismatch', `Block ${index} of the image has another hash than the one signed`);
    }
    whole.update(block);
    index++;
    yield block;
  }
  if (bytes < image.bytes) {
    throw new DeltaError('too-short', `The image ended after ${bytes} bytes, ${image.bytes} were signed`);
  }
  if (whole.digest('hex') !== image.digest) {
    throw new DeltaError('digest-mismatch', 'The whole image has another digest than the one signed');
  }
}

function checkList(image: Image, blocks: Uint8Array): void {
  if (blocks.byteLength !== blockListBytes(image)) {
    throw new DeltaError(
      'block-list-mismatch',
      `The block list has ${blocks.byteLength} bytes, the image needs ${blockListBytes(image)}`,
    );
  }
  if (hash('sha256', blocks, 'hex') !== image.blocksDigest) {
    throw new DeltaError('block-list-mismatch', 'The block list has another digest than the one signed');
  }
}
