// SPDX-License-Identifier: Apache-2.0
import type { ImageCount } from '@outrider/domain/gateway/finder-ports';
import type { BlobReader } from '@outrider/domain/gateway/ports';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';

/** A delta to make: from one image that is stored to another. */
export interface ImagePair {
  readonly from: Sha256;
  readonly to: Sha256;
}

/** Base images of one component that get a delta: beyond, versions so rare that the whole image is cheaper than the CPU. */
const BASES_MAX = 16;

/**
 * The deltas a release needs: to each new image from every image of the component that devices run now and from the
 * newest release before, those most common first; and back, from the new image to that of the rollback twin.
 */
export async function pairsFor(
  manifest: ReleaseManifest,
  field: {
    /** What devices of the type run now. */
    readonly running: readonly ImageCount[];
    readonly published: readonly PublishedRelease[];
    readonly blobs: BlobReader;
  },
): Promise<readonly ImagePair[]> {
  const previous = newestBefore(manifest, field.published);
  const pairs: ImagePair[] = [];
  for (const { name, image, file } of manifest.components) {
    // A client that downloads files takes them whole.
    if (file !== undefined) continue;
    const counts = field.running
      .filter(({ component }) => component === name)
      .sort((a, b) => b.devices - a.devices)
      .map(({ digest }) => digest);
    const former = previous?.components.find((one) => one.name === name)?.image.digest;
    const bases = new Set([...(former === undefined ? [] : [former]), ...counts].slice(0, BASES_MAX));
    const twin = manifest.rollbackTwin?.components.find((one) => one.name === name)?.image.digest;
    for (const from of bases) pairs.push({ from, to: image.digest });
    if (twin !== undefined) pairs.push({ from: image.digest, to: twin });
  }
  const needed: ImagePair[] = [];
  for (const pair of pairs) {
    // An image that was never uploaded, such as a factory image, has no bytes to start from.
    if (pair.from !== pair.to && (await field.blobs.sizeOf(pair.from)) !== undefined) needed.push(pair);
  }
  return needed;
}

function newestBefore(manifest: ReleaseManifest, published: readonly PublishedRelease[]): ReleaseManifest | undefined {
  return published
    .map((one) => one.manifest)
    .filter((one) => one.deviceType === manifest.deviceType && one.releaseCounter < manifest.releaseCounter)
    .reduce<ReleaseManifest | undefined>(
      (newest, one) => (newest === undefined || one.releaseCounter > newest.releaseCounter ? one : newest),
      undefined,
    );
}
