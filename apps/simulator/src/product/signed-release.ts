// SPDX-License-Identifier: Apache-2.0
import type { ReleaseCounter, ReleaseId } from '@outrider/domain/kernel/ids';
import { type Image, RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { encodeManifest } from '@outrider/protocol/release/manifest';

/** One version of the product that a simulated fleet runs: a bundle of one component. */
export interface ProductVersion {
  readonly deviceType: string;
  readonly version: string;
  readonly releaseCounter: number;
  readonly image: Image;
  readonly notes: string;
}

/** The people of an installation that is played. No server sees these keys. */
export interface ReleaseSigners {
  /** The two groups that sign releases: one alone releases nothing. */
  readonly build: Signer;
  readonly releaseEngineering: Signer;
  /** Holds the root of both repositories: says who signs for which model. */
  readonly root: Signer;
}

/** The one component of every bundle here. */
export const COMPONENT = 'main';
/** The hardware revisions of the fleet: all images are built for all of them. */
export const HARDWARE_IDS = ['rev-a', 'rev-b', 'rev-c'] as const;

/** The id of a version's release: the device type is in it, since ids are unique over all of them. */
export function releaseIdOf(deviceType: string, version: string): ReleaseId {
  return `${deviceType}-${version}` as ReleaseId;
}

/** The manifest with its way back, signed by both groups. The first of a device type has no way back. */
export function signedManifest(
  product: ProductVersion,
  former: ProductVersion | undefined,
  signers: ReleaseSigners,
): { readonly manifest: ReleaseManifest; readonly envelope: Envelope } {
  const manifest = manifestOf(product, former);
  const payload = encodeManifest(manifest);
  const message = preAuthenticationEncoding(RELEASE_MANIFEST_TYPE, payload);
  const signatures = [signers.build.sign(message), signers.releaseEngineering.sign(message)];
  return { manifest, envelope: { payloadType: RELEASE_MANIFEST_TYPE, payload, signatures } };
}

/** Two of two: who must sign, as servers and devices are told. */
export function releaseRoleOf(signers: ReleaseSigners): SigningRole {
  return {
    threshold: 2,
    groups: [
      { name: 'build', keys: [signers.build.publicKey] },
      { name: 'release-engineering', keys: [signers.releaseEngineering.publicKey] },
    ],
  };
}

function manifestOf(product: ProductVersion, former: ProductVersion | undefined): ReleaseManifest {
  const { deviceType, version, releaseCounter, image, notes } = product;
  const manifest: ReleaseManifest = {
    schema: 1,
    releaseId: releaseIdOf(deviceType, version),
    deviceType,
    version,
    releaseCounter: releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, hardwareIds: HARDWARE_IDS, image }],
    dependencies: [],
    notes,
  };
  if (former === undefined) return manifest;
  return {
    ...manifest,
    rollbackTwin: {
      releaseId: `${releaseIdOf(deviceType, version)}-back` as ReleaseId,
      version: former.version,
      // The next number is free: releases of one device type are ten apart.
      releaseCounter: (releaseCounter + 1) as ReleaseCounter,
      components: [{ name: COMPONENT, hardwareIds: HARDWARE_IDS, image: former.image }],
    },
  };
}
