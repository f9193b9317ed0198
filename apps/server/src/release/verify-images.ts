// SPDX-License-Identifier: Apache-2.0
import { blockListBytes, listBlocks } from '@outrider/delta/block-list';
import type { BlobReader } from '@outrider/domain/gateway/ports';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { Image, ReleaseManifest } from '@outrider/domain/release/release';
import { type CommandError, refuse } from '../errors.ts';

/** All images that a release brings, those of its way back included, each digest once. */
export function imagesOf(manifest: ReleaseManifest): readonly Image[] {
  const components = [...manifest.components, ...(manifest.rollbackTwin?.components ?? [])];
  return [...new Map(components.map(({ image }) => [image.digest, image])).values()];
}

/**
 * Whether the bytes behind every image are here and are what was signed: length, digest, and the hash of each block. The
 * blobs are read again from the disk, since what a release promises is what devices will get from it.
 */
export async function verifyImages(
  images: readonly Image[],
  blobs: BlobReader,
): Promise<Result<'verified', CommandError>> {
  for (const image of images) {
    const verified = await verifyImage(image, blobs);
    if (!verified.ok) return verified;
  }
  return ok('verified');
}

async function verifyImage(image: Image, blobs: BlobReader): Promise<Result<'verified', CommandError>> {
  const sizes = [
    { digest: image.digest, bytes: image.bytes, noun: 'image' },
    { digest: image.blocksDigest, bytes: blockListBytes(image), noun: 'block list' },
  ];
  for (const { digest, bytes, noun } of sizes) {
    const stored = await blobs.sizeOf(digest);
    if (stored === undefined) {
      const detail = `The ${noun} ${digest} is not stored here; upload it with PUT /api/v1/blobs/${digest}`;
      return refuse('image-missing', detail, { digest });
    }
    if (stored !== bytes) {
      const detail = `The ${noun} ${digest} has ${stored} bytes, the manifest says ${bytes}; sign what was built`;
      return refuse('image-size-differs', detail, { digest, stored, signed: Number(bytes) });
    }
  }
  const list = await listBlocks(blobs.read(image.digest), image.blockBytes);
  if (list.image.digest !== image.digest) {
    const detail = `The stored image ${image.digest} reads as ${list.image.digest}: the disk has altered it; upload it anew`;
    return refuse('digest-mismatch', detail, { digest: image.digest });
  }
  if (list.image.blocksDigest !== image.blocksDigest) {
    const detail = `The blocks of image ${image.digest} hash to the list ${list.image.blocksDigest}, signed is ${image.blocksDigest}`;
    return refuse('blocks-differ', detail, { digest: image.digest });
  }
  return ok('verified');
}
