// SPDX-License-Identifier: Apache-2.0
import type { Bytes, Sha256 } from '../kernel/ids.ts';

/** A difference from one exact base image to one exact new image, stored as a blob and verified by applying it. */
export interface Delta {
  readonly fromDigest: Sha256;
  readonly toDigest: Sha256;
  readonly format: DeltaFormat;
  /** The delta's own blob. */
  readonly digest: Sha256;
  readonly bytes: Bytes;
}

/** `zstd-patch-1`: one zstd frame with the base image as raw-content dictionary. */
export type DeltaFormat = 'zstd-patch-1';

/** How a device may get an image: whole, or as a delta from the image it runs. */
export type Artifact =
  | { readonly kind: 'full'; readonly digest: Sha256; readonly bytes: Bytes }
  | { readonly kind: 'delta'; readonly delta: Delta };

/** Picks the delta when there is one from the running image and it is smaller than the whole, else the whole image. */
export function chooseArtifact(
  image: { readonly digest: Sha256; readonly bytes: Bytes },
  runningDigest: Sha256 | undefined,
  deltas: readonly Delta[],
): Artifact {
  const delta = deltas.find((one) => one.fromDigest === runningDigest && one.toDigest === image.digest);
  if (delta !== undefined && delta.bytes < image.bytes) return { kind: 'delta', delta };
  return { kind: 'full', digest: image.digest, bytes: image.bytes };
}
