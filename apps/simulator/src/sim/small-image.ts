// SPDX-License-Identifier: Apache-2.0
import { listBlocks } from '@outrider/delta/block-list';
import type { Bytes } from '@outrider/domain/kernel/ids';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import type { ImageSource } from '../play/control-plane.ts';

/** Small enough for hundreds of devices that keep two slots each in memory. */
const IMAGE_BYTES = 24_576;
/** Several blocks, so that the block list is one. */
const SMALL_BLOCK_BYTES = 4_096 as Bytes;
/** What a new version changes of the one before it. */
const CHANGED_BYTES = 600;

/** An image with its bytes at hand. */
export interface SmallImage extends ImageSource {
  readonly bytes: Uint8Array;
}

/** An image of the first version: noise, which nothing but a delta makes small. */
export async function firstImage(source: Prng): Promise<SmallImage> {
  return imageOf(Uint8Array.from({ length: IMAGE_BYTES }, () => below(source, 256)));
}

/** The next version: the same but for one stretch. */
export async function nextImage(source: Prng, former: SmallImage): Promise<SmallImage> {
  const bytes = Uint8Array.from(former.bytes);
  const start = below(source, IMAGE_BYTES - CHANGED_BYTES);
  for (let offset = 0; offset < CHANGED_BYTES; offset++) bytes[start + offset] = below(source, 256);
  return imageOf(bytes);
}

async function imageOf(bytes: Uint8Array): Promise<SmallImage> {
  const { image, blocks } = await listBlocks([bytes], SMALL_BLOCK_BYTES);
  return {
    bytes,
    image,
    blocks,
    async *content() {
      yield bytes;
    },
  };
}
