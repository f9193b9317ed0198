// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import type { PublicKey } from './envelope.ts';

/**
 * Who must sign a kind of document: at least `threshold` different groups, one valid signature from each. Two keys of
 * the build system are one group: a stolen build machine alone releases nothing.
 */
export interface SigningRole {
  readonly threshold: number;
  readonly groups: readonly SigningGroup[];
}

/** Keys that lie in the same hands: together they count once. */
export interface SigningGroup {
  /** For example `build` and `release-engineering`. */
  readonly name: string;
  readonly keys: readonly RoleKey[];
}

/** A key of a group, and whose it is where that is known. */
export interface RoleKey extends PublicKey {
  /** The digest of a person's id (`personDigest`). */
  readonly person?: Sha256;
}

/** What a device is given at registration and never takes from the network afterwards. */
export interface TrustAnchors {
  /** Signs release manifests, and with them their rollback twins. */
  readonly releaseRole: SigningRole;
  /** The online key that signs permits and offers. */
  readonly permitKeys: readonly PublicKey[];
  /** Signs charters. Absent: the installation has no approvers, and its devices ask for no charter. */
  readonly approverRole?: SigningRole;
  /** The roots of both repositories. With them the keys above are no longer asked: the repositories say who may sign. */
  readonly roots?: TrustRoots;
}

/** The root of each repository as a device pins it: the text of a document, the beginning of a chain. */
export interface TrustRoots {
  readonly image: string;
  readonly director: string;
}
