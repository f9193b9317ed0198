// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../kernel/canonical-json.ts';
import type { ReleaseCounter, ReleaseId } from '../kernel/ids.ts';
import { after, type FleetInstant } from '../kernel/time.ts';
import { utf8Length } from '../trust/envelope.ts';
import { LIFETIMES } from '../trust/tuf/ceremony.ts';
import type { TargetFile, TargetsMetadata } from '../trust/tuf/metadata.ts';
import type { MetadataDigest } from '../trust/tuf/ports.ts';
import type { Component, ReleaseManifest } from './release.ts';

/** The name of a release, or of a rollback twin, as a file of the image repository: below the name of its model. */
export function targetPath(deviceType: string, releaseId: ReleaseId): string {
  return `${deviceType}/${releaseId}`;
}

/** What both repositories say of a release beside length and digest: they must agree on it. */
export interface TargetClaim {
  readonly releaseCounter: ReleaseCounter;
  /** Revisions that every component runs on. */
  readonly hardwareIds: readonly string[];
}

/** The file that vouches for a release: its manifest, as it was signed. Its twin is the same file under its own name and counter. */
export function releaseTarget(payload: string, claim: TargetClaim, digest: MetadataDigest): TargetFile {
  const custom: Json = { hardwareIds: claim.hardwareIds, releaseCounter: claim.releaseCounter };
  const sha256 = digest('sha256', payload) ?? '';
  return { length: utf8Length(payload), hashes: new Map([['sha256', sha256]]), custom };
}

/** What a repository says in `custom`, or undefined where it says something else. */
export function claimOf({ custom }: TargetFile): TargetClaim | undefined {
  if (typeof custom !== 'object' || custom === null || !('hardwareIds' in custom) || !('releaseCounter' in custom)) {
    return undefined;
  }
  const { hardwareIds, releaseCounter } = custom;
  if (!Array.isArray(hardwareIds) || !hardwareIds.every((id) => typeof id === 'string')) return undefined;
  if (typeof releaseCounter !== 'number' || !Number.isSafeInteger(releaseCounter)) return undefined;
  // The constructor: a whole number in the place of a counter.
  return { hardwareIds, releaseCounter: releaseCounter as ReleaseCounter };
}

/** The entries of a release and of its way back. */
export function entriesOf(
  manifest: ReleaseManifest,
  payload: string,
  digest: MetadataDigest,
): ReadonlyMap<string, TargetFile> {
  const { deviceType, rollbackTwin: twin } = manifest;
  const entry = (of: { readonly releaseCounter: ReleaseCounter; readonly components: readonly Component[] }) =>
    releaseTarget(payload, { releaseCounter: of.releaseCounter, hardwareIds: sharedHardware(of.components) }, digest);
  return new Map([
    [targetPath(deviceType, manifest.releaseId), entry(manifest)],
    ...(twin === undefined ? [] : [[targetPath(deviceType, twin.releaseId), entry(twin)] as const]),
  ]);
}

/** What a model's role signs next: all it vouched for before, and this release with its way back. */
export function nextReleaseTargets(
  former: TargetsMetadata | undefined,
  release: { readonly manifest: ReleaseManifest; readonly payload: string; readonly now: FleetInstant },
  digest: MetadataDigest,
): TargetsMetadata {
  return {
    type: 'targets',
    version: (former?.version ?? 0) + 1,
    expiresAt: after(release.now, LIFETIMES.targets),
    targets: new Map([...(former?.targets ?? []), ...entriesOf(release.manifest, release.payload, digest)]),
  };
}

function sharedHardware(components: readonly Component[]): readonly string[] {
  const [first, ...others] = components;
  return first?.hardwareIds.filter((id) => others.every((one) => one.hardwareIds.includes(id))) ?? [];
}
