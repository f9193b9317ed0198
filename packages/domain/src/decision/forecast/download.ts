// SPDX-License-Identifier: Apache-2.0
import { chooseArtifact, type Delta } from '../../delta/delta.ts';
import type { RunningSoftware } from '../../gateway/device-record.ts';
import type { Image, ReleaseManifest } from '../../release/release.ts';

/** Bytes that a device which runs this fetches of a release: for each component the artifact, and its block list. */
export function downloadOf(
  release: ReleaseManifest,
  running: RunningSoftware,
  deltas: readonly Delta[],
): { readonly bytesEach: number; readonly isByDelta: boolean } {
  let bytesEach = 0;
  let isByDelta = true;
  for (const { name, image } of release.components) {
    const base = running.components.find((one) => one.name === name)?.digest;
    const artifact = chooseArtifact(image, base, deltas);
    isByDelta &&= artifact.kind === 'delta';
    bytesEach += blockListBytes(image) + (artifact.kind === 'delta' ? artifact.delta.bytes : artifact.bytes);
  }
  return { bytesEach, isByDelta };
}

/** Raw SHA-256 of each block. */
const HASH_BYTES = 32;

function blockListBytes(image: Image): number {
  return Math.ceil(image.bytes / image.blockBytes) * HASH_BYTES;
}
