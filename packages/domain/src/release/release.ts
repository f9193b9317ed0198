// SPDX-License-Identifier: Apache-2.0
import type { Bytes, ReleaseCounter, ReleaseId, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';

/**
 * The signed list of a release's images and what they need: an immutable bundle for one device type. The payload of a
 * release envelope, type `RELEASE_MANIFEST_TYPE`, as canonical JSON.
 */
export interface ReleaseManifest {
  readonly schema: 1;
  readonly releaseId: ReleaseId;
  readonly deviceType: string;
  /** SemVer 2.0.0. */
  readonly version: string;
  readonly releaseCounter: ReleaseCounter;
  /** Installed in this order, all or nothing. At least one. */
  readonly components: readonly Component[];
  /** The lowest version a device may have to go to this one directly; no device jumps over a floor. */
  readonly floorVersion?: string;
  /** Other components that must be there, as SemVer at least. */
  readonly dependencies: readonly Dependency[];
  readonly notes: string;
  /** The way back, signed together with the release: absent only for the first release of a device type. */
  readonly rollbackTwin?: RollbackTwin;
}

/** The payload type of a release envelope. */
export const RELEASE_MANIFEST_TYPE = 'application/vnd.outrider.release-manifest+json';

/** One part of a bundle: the image for one slot, and the hardware it runs on. */
export interface Component {
  /** For example `main` or `head-unit`. */
  readonly name: string;
  /** The hardware revisions this image runs on. At least one. */
  readonly hardwareIds: readonly string[];
  readonly image: Image;
  /** What a client that downloads whole files must know of it; absent: it is for our own agent alone. */
  readonly file?: ComponentFile;
}

/** The image as a file of its own kind, such as a `.swu` of SWUpdate. */
export interface ComponentFile {
  /** As the client sees it; SWUpdate takes only names that end in `.swu`. */
  readonly name: string;
  /** Digests that old clients check beside SHA-256, in lower-case hexadecimal: no proof of anything here. */
  readonly md5: string;
  readonly sha1: string;
}

/** The exact bytes that one slot shall hold. */
export interface Image {
  readonly digest: Sha256;
  readonly bytes: Bytes;
  /** SHA-256 of each block of `blockBytes`, the last one shorter: checked before a block reaches the slot. */
  readonly blockBytes: Bytes;
  /** Digest of the block list: the concatenated raw 32-byte hashes, itself a blob. */
  readonly blocksDigest: Sha256;
}

/** A component outside the bundle that must be there. */
export interface Dependency {
  readonly component: string;
  readonly versionAtLeast: string;
}

/** The former bytes under a new entry with a higher counter: a rollback at night needs no offline key. */
export interface RollbackTwin {
  readonly releaseId: ReleaseId;
  /** The former version, shown again with a higher counter. */
  readonly version: string;
  readonly releaseCounter: ReleaseCounter;
  readonly components: readonly Component[];
}

/** A release as the catalogue holds it: what was signed never changes; withdrawn is a mark, never a deletion. */
export interface PublishedRelease {
  readonly manifest: ReleaseManifest;
  readonly envelope: Envelope;
  readonly publishedAt: FleetInstant;
  readonly withdrawnAt?: FleetInstant;
  readonly withdrawnReason?: string;
}
