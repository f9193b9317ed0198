// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../../kernel/canonical-json.ts';
import type { FleetInstant } from '../../kernel/time.ts';

/** The four roles that a root names. Source: TUF 1.0 §2.1. */
export type TopRole = 'root' | 'timestamp' | 'snapshot' | 'targets';

/** All four, in the order in which a client asks for them. */
export const TOP_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const satisfies readonly TopRole[];

/** A document of a repository, read and not verified: what was signed, the exact text of it, and who says to have signed. */
export interface SignedMetadata<T> {
  readonly signed: T;
  /** The part `signed` as canonical JSON of TUF: what the signatures cover. */
  readonly message: string;
  readonly signatures: readonly MetadataSignature[];
}

/** One signature of a document; no key has two in one document. */
export interface MetadataSignature {
  readonly keyId: string;
  /** Hexadecimal: 64 bytes of Ed25519, or the DER of ECDSA. */
  readonly signature: string;
}

/** A public key as a root or a delegation names it. Source: TUF 1.0 §4.2.1. */
export interface MetadataKey {
  readonly keyType: string;
  /** `ed25519` and `ecdsa-sha2-nistp256` are verified; a key of another scheme has never signed anything. */
  readonly scheme: string;
  /** Ed25519: 32 bytes in hexadecimal. ECDSA: PEM. */
  readonly publicKey: string;
}

/** Keys by their id. */
export type KeyTable = ReadonlyMap<string, MetadataKey>;

/** Who must sign for a role. */
export interface RoleKeys {
  readonly keyIds: readonly string[];
  /** So many different keys must have signed, and where there are groups, keys of so many different groups. */
  readonly threshold: number;
  /** Keys in the same hands, by the name of the group; absent: each key stands for itself. */
  readonly groups?: ReadonlyMap<string, readonly string[]>;
}

/** Who signs charters. A person's keys stand in one group, so that nobody counts twice. */
export interface ApproverKeys extends RoleKeys {
  /** Whose key it is, by key id: the digest of a person's id (`personDigest`), since every device reads this document. */
  readonly people?: ReadonlyMap<string, string>;
}

/** What all documents have. */
export interface MetadataHead {
  /** Grows by one with each change. */
  readonly version: number;
  readonly expiresAt: FleetInstant;
}

/** Who may sign what. Source: TUF 1.0 §4.3. */
export interface RootMetadata extends MetadataHead {
  readonly type: 'root';
  readonly keys: KeyTable;
  readonly roles: Readonly<Record<TopRole, RoleKeys>>;
  /** The director's root says who approves rollouts. Absent: whom a device pinned when it registered. */
  readonly approvers?: ApproverKeys;
  /** Files are named by version, so that a reader in the middle of a publication sees one state. */
  readonly isConsistent: boolean;
}

/** Which version of a document belongs to this state of the repository. */
export interface MetadataReference {
  readonly version: number;
  /** In bytes. */
  readonly length?: number;
  /** Hexadecimal digests by algorithm. */
  readonly hashes?: ReadonlyMap<string, string>;
}

/** Is this the newest there is? Source: TUF 1.0 §4.6. */
export interface TimestampMetadata extends MetadataHead {
  readonly type: 'timestamp';
  readonly snapshot: MetadataReference;
  /** The director's timestamp for the fleet says more: absent in the image repository. */
  readonly fleet?: FleetStatement;
}

/** What the director tells the whole fleet each hour: which policy holds, and what time it is at least. */
export interface FleetStatement {
  /** Revision of the policy; grows with every change, and so with every pause. */
  readonly policyEpoch: number;
  readonly signedAt: FleetInstant;
}

/** Which documents belong together. Source: TUF 1.0 §4.4. */
export interface SnapshotMetadata extends MetadataHead {
  readonly type: 'snapshot';
  /** By file name, for example `targets.json`. */
  readonly meta: ReadonlyMap<string, MetadataReference>;
}

/** Which files there are, and who else may name some. Source: TUF 1.0 §4.5. */
export interface TargetsMetadata extends MetadataHead {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations?: Delegations;
  /** The director's document for one device names it: absent in the image repository. */
  readonly deviceId?: string;
}

/** One file that a repository vouches for. */
export interface TargetFile {
  /** In bytes. */
  readonly length: number;
  readonly hashes: ReadonlyMap<string, string>;
  readonly custom?: Json;
}

/** Roles that may sign for some paths. Source: TUF 1.0 §4.5. */
export interface Delegations {
  readonly keys: KeyTable;
  /** The first that matches is asked first. */
  readonly roles: readonly DelegatedRole[];
}

/** A role that may sign for some paths, a model's or a supplier's. */
export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  /** What lies in its paths and is not named by it, nobody else may name. */
  readonly isTerminating: boolean;
  /** Shell patterns, a segment each: `*` never spans a slash. */
  readonly paths?: readonly string[];
  /** Beginnings of the SHA-256 of a path. */
  readonly pathHashPrefixes?: readonly string[];
}
