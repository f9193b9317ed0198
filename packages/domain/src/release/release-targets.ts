// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../kernel/canonical-json.ts';
import type { ReleaseCounter, ReleaseId } from '../kernel/ids.ts';
import { after, type FleetInstant } from '../kernel/time.ts';
import { utf8Length } from '../trust/envelope.ts';
import { LIFETIMES } from '../trust/tuf/ceremony.ts';
import type { TargetFile, TargetsMetadata } from '../trust/tuf/metadata.ts';
import type { MetadataDigest } from '../trust/tuf/ports.ts';
import { type Floors, raisedFloors, type WayBack } from './floors.ts';
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
  /** Of the image repository alone: what a device takes nothing below, once it has confirmed this. */
  readonly floors?: Floors;
  /** Of a way back: the counter under which the same bytes were released first. */
  readonly contentCounter?: ReleaseCounter;
}

/** The file that vouches for a release: its manifest, as it was signed. Its twin is the same file under its own name and counter. */
export function releaseTarget(payload: string, claim: TargetClaim, digest: MetadataDigest): TargetFile {
  const { hardwareIds, releaseCounter, floors, contentCounter } = claim;
  // In the order of canonical JSON, as it is read back.
  const custom: Json = {
    ...(contentCounter !== undefined && { contentCounter }),
    hardwareIds,
    ...(floors?.migration !== undefined && { migrationFloor: floors.migration }),
    releaseCounter,
    ...(floors?.security !== undefined && { securityFloor: floors.security }),
  };
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
  if (!isCounter(releaseCounter)) return undefined;
  const optional = [custom['securityFloor'], custom['migrationFloor'], custom['contentCounter']] as const;
  // A floor that cannot be read must not count as none.
  if (!optional.every((one) => one === undefined || isCounter(one))) return undefined;
  const [security, migration, contentCounter] = optional.map((one) => (isCounter(one) ? one : undefined));
  const floors = raisedFloors(undefined, {
    ...(security !== undefined && { security }),
    ...(migration !== undefined && { migration }),
  });
  return {
    hardwareIds,
    releaseCounter,
    ...(floors && { floors }),
    ...(contentCounter !== undefined && { contentCounter }),
  };
}

/** The constructor: a whole number in the place of a counter. */
function isCounter(value: Json | undefined): value is ReleaseCounter {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** What is signed with a release beside its manifest. */
export interface SignedFloors {
  readonly floors?: Floors;
  /** The counter of the release that the twin goes back to. */
  readonly formerCounter?: ReleaseCounter;
}

/** What a model's role has signed of the way back of a release; undefined where it never signed a floor. */
export function wayBackOf(targets: TargetsMetadata | undefined, twinPath: string): WayBack | undefined {
  const twin = targets?.targets.get(twinPath);
  if (targets === undefined || twin === undefined) return undefined;
  const raised = [...targets.targets.values()].flatMap((file) => {
    const claim = claimOf(file);
    return claim?.floors === undefined ? [] : [{ releaseCounter: claim.releaseCounter, floors: claim.floors }];
  });
  return raised.length === 0 ? undefined : { contentCounter: claimOf(twin)?.contentCounter ?? 0, raised };
}

/** The floors of all that a model's role has vouched for: a device may jump over the release that brought one. */
export function floorsOf(targets: TargetsMetadata | undefined): Floors | undefined {
  let floors: Floors | undefined;
  for (const file of targets?.targets.values() ?? []) floors = raisedFloors(floors, claimOf(file)?.floors);
  return floors;
}

/** The entries that a release should have in these targets: floors are the signers' word, all else is the manifest's. */
export function entriesAsSaid(
  next: TargetsMetadata,
  { manifest, payload }: { readonly manifest: ReleaseManifest; readonly payload: string },
  digest: MetadataDigest,
): ReadonlyMap<string, TargetFile> {
  const said = (releaseId: ReleaseId | undefined) => {
    const file = releaseId && next.targets.get(targetPath(manifest.deviceType, releaseId));
    return file && claimOf(file);
  };
  const [floors, formerCounter] = [
    said(manifest.releaseId)?.floors,
    said(manifest.rollbackTwin?.releaseId)?.contentCounter,
  ];
  const more = { ...(floors && { floors }), ...(formerCounter !== undefined && { formerCounter }) };
  return entriesOf({ manifest, payload, ...more }, digest);
}

/** The entries of a release and of its way back. */
function entriesOf(
  { manifest, payload, floors, formerCounter }: Omit<NextRelease, 'now'>,
  digest: MetadataDigest,
): ReadonlyMap<string, TargetFile> {
  const { deviceType, rollbackTwin: twin } = manifest;
  const entry = (
    { releaseCounter, components }: Pick<ReleaseManifest, 'releaseCounter' | 'components'>,
    more: Pick<TargetClaim, 'floors' | 'contentCounter'>,
  ) => releaseTarget(payload, { releaseCounter, hardwareIds: sharedHardware(components), ...more }, digest);
  // Where no floor was ever signed, entries stay as they were before there were floors.
  const back = formerCounter === undefined || floors === undefined ? {} : { contentCounter: formerCounter };
  return new Map([
    [targetPath(deviceType, manifest.releaseId), entry(manifest, floors === undefined ? {} : { floors })],
    ...(twin === undefined ? [] : [[targetPath(deviceType, twin.releaseId), entry(twin, back)] as const]),
  ]);
}

interface NextRelease extends SignedFloors {
  readonly manifest: ReleaseManifest;
  readonly payload: string;
  readonly now: FleetInstant;
}

/** What a model's role signs next: all it vouched for before, and this release with its way back. Floors of before go on. */
export function nextReleaseTargets(
  former: TargetsMetadata | undefined,
  release: NextRelease,
  digest: MetadataDigest,
): TargetsMetadata {
  const { floors: said, ...plain } = release;
  const floors = raisedFloors(floorsOf(former), said);
  const entries = entriesOf({ ...plain, ...(floors && { floors }) }, digest);
  return {
    type: 'targets',
    version: (former?.version ?? 0) + 1,
    expiresAt: after(release.now, LIFETIMES.targets),
    targets: new Map([...(former?.targets ?? []), ...entries]),
  };
}

function sharedHardware(components: readonly Component[]): readonly string[] {
  const [first, ...others] = components;
  return first?.hardwareIds.filter((id) => others.every((one) => one.hardwareIds.includes(id))) ?? [];
}
