// SPDX-License-Identifier: Apache-2.0

import type { Result } from '../../kernel/result.ts';
import type { FleetInstant } from '../../kernel/time.ts';
import type {
  MetadataKey,
  RootMetadata,
  SignedMetadata,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
} from './metadata.ts';

/** Checks signatures of metadata. Adapter: `adapters/shared/metadata-keys.ts` over node:crypto. Never throws: malformed is false. */
export interface MetadataVerifier {
  /** True when `signature` (hexadecimal) is the key's signature over the UTF-8 bytes of `message`. */
  verify(key: MetadataKey, message: string, signature: string): boolean;
}

/** A private key that signs metadata: a key file, a token behind PKCS#11, or a key management service. */
export interface MetadataSigner {
  readonly keyId: string;
  readonly key: MetadataKey;
  /** Over the UTF-8 bytes of `message`, in hexadecimal. */
  sign(message: string): Promise<string>;
}

/** Digest in hexadecimal of the UTF-8 bytes of a text, or undefined for an algorithm that is not known. */
export type MetadataDigest = (algorithm: string, text: string) => string | undefined;

/** Reads documents of each kind (protocol/trust/tuf/read-metadata); nothing is verified. */
export interface MetadataReader {
  root(text: string): Result<SignedMetadata<RootMetadata>, string>;
  timestamp(text: string): Result<SignedMetadata<TimestampMetadata>, string>;
  snapshot(text: string): Result<SignedMetadata<SnapshotMetadata>, string>;
  targets(text: string): Result<SignedMetadata<TargetsMetadata>, string>;
}

/** How documents are read and checked, whatever the time. */
export interface TrustTools {
  readonly verifier: MetadataVerifier;
  readonly digest: MetadataDigest;
  readonly read: MetadataReader;
}

/** What every step of the client needs beside the documents. */
export interface TrustContext extends TrustTools {
  /** The later of the device's clock and its last-known-time floor: a clock at 1970 lets nothing old in. */
  readonly now: FleetInstant;
}

/** Where a device keeps the documents it trusts. Adapter: `Storage` of the device. */
export interface MetadataStore {
  /** The document of this name, or undefined when there is none. */
  loadMetadata(name: string): Promise<string | undefined>;
  /** Replaces it, all or nothing; durable when it returns. */
  storeMetadata(name: string, text: string): Promise<void>;
}

/** Where documents come from: plain files behind any cache. */
export interface MetadataSource {
  /**
   * The document of this name, cut off when it turns out longer than `bytesMax`; undefined where there is none. Codes:
   * too-long, not-text, unreachable.
   */
  fetchMetadata(name: string, bytesMax: number): Promise<Result<string | undefined, MetadataFetchError>>;
}

/** Why a document did not come. */
export interface MetadataFetchError {
  readonly code: 'too-long' | 'not-text' | 'unreachable';
  readonly detail: string;
}
