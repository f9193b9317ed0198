// SPDX-License-Identifier: Apache-2.0
import type { PublishedRelease, ReleaseManifest } from './release.ts';

/**
 * Why a new release cannot stand beside those that are published, as a sentence, or undefined when it can: ids are
 * unique for good, a device type has a version once, and its counter rises above every counter a device may have seen,
 * those of rollback twins too. Releases of other device types only matter by their ids. The text of `release-exists`.
 */
export function clashWith(published: readonly PublishedRelease[], manifest: ReleaseManifest): string | undefined {
  for (const id of idsOf(manifest)) {
    if (published.some((one) => idsOf(one.manifest).includes(id))) {
      return `The release id ${id} is taken; an id names one release for good: choose another`;
    }
  }
  const siblings = published.map((one) => one.manifest).filter((one) => one.deviceType === manifest.deviceType);
  if (siblings.some((one) => one.version === manifest.version)) {
    return `Version ${manifest.version} of ${manifest.deviceType} is published already; raise the version`;
  }
  const newest = Math.max(0, ...siblings.flatMap(countersOf));
  if (manifest.releaseCounter <= newest) {
    return `The release counter is ${manifest.releaseCounter}; for ${manifest.deviceType} it must be above ${newest}: make it again with --counter ${newest + 1}`;
  }
  return undefined;
}

function idsOf(manifest: ReleaseManifest): readonly string[] {
  return manifest.rollbackTwin === undefined
    ? [manifest.releaseId]
    : [manifest.releaseId, manifest.rollbackTwin.releaseId];
}

function countersOf(manifest: ReleaseManifest): readonly number[] {
  return [manifest.releaseCounter, manifest.rollbackTwin?.releaseCounter ?? 0];
}
