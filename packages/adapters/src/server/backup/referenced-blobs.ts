// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { parseSha256 } from '@outrider/domain/kernel/ids';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { parsePublishedRelease } from '@outrider/protocol/release/manifest';
import type { Database } from '../postgres/pool.ts';
import { documentsOf, textOf } from '../postgres/row.ts';

/**
 * Every blob that a release, its way back or a delta names, once, in the order of their digests. Blobs never change and
 * are never removed, so that they may be copied after the snapshot that named them.
 */
export async function blobsNamedIn(query: Database['query']): Promise<readonly Sha256[]> {
  const releases = documentsOf(await query('select document from release_document'), parsePublishedRelease);
  const deltas = (await query('select digest from delta')).flatMap((row) => {
    const digest = parseSha256(textOf(row, 'digest'));
    return digest.ok ? [digest.value] : [];
  });
  return [...new Set([...releases.flatMap(({ manifest }) => blobsOf(manifest)), ...deltas])].toSorted();
}

/** Images and their block lists. */
function blobsOf({ components, rollbackTwin }: ReleaseManifest): readonly Sha256[] {
  return [...components, ...(rollbackTwin?.components ?? [])].flatMap(({ image }) => [
    image.digest,
    image.blocksDigest,
  ]);
}
