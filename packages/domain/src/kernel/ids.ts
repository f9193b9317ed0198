// SPDX-License-Identifier: Apache-2.0
import type { Brand } from './brand.ts';
import { err, ok, type Result } from './result.ts';

/** Names one device for good. */
export type DeviceId = Brand<string, 'DeviceId'>;
/** Names one rollout for good. */
export type RolloutId = Brand<string, 'RolloutId'>;
/** Names a release for good, for example `camera-1.4.0`; a rollback twin has an id of its own. */
export type ReleaseId = Brand<string, 'ReleaseId'>;
/** Names one row of the permit ledger: 32 hexadecimal digits. */
export type PermitId = Brand<string, 'PermitId'>;
/** Names a public key: the SHA-256 of its raw bytes in hexadecimal. */
export type KeyId = Brand<string, 'KeyId'>;
/** A value of the attribute by which a rollout is divided. */
export type SegmentId = Brand<string, 'SegmentId'>;
/** SHA-256 in lower-case hexadecimal, 64 characters. */
export type Sha256 = Brand<string, 'Sha256'>;
/** A count of bytes, a whole number of zero or more. */
export type Bytes = Brand<number, 'Bytes'>;
/** Position in the policy log; grows by one with each entry, and by a gap after a restore. */
export type Revision = Brand<number, 'Revision'>;
/** Grows with each pause, halt or cancel of its scope; a permit carries the one it was given under. */
export type Epoch = Brand<number, 'Epoch'>;
/** Grows with every release for a device type; the defence against rollback attacks. */
export type ReleaseCounter = Brand<number, 'ReleaseCounter'>;

/** A text that is no id, for the noun it should have been. */
export interface IdError {
  readonly code: 'id-malformed';
  readonly noun: string;
  readonly seen: string;
}

/** ASCII letters, digits and `. _ : @ + -`, 1 to 128 characters: safe in paths, URLs, logs and SQL without escaping. */
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/;
const SHA256_PATTERN = /^[0-9a-f]{64}$/;

/** Parses any of the string ids, for example `parseId<DeviceId>('device id', text)`. Code: id-malformed. */
export function parseId<T extends Brand<string, string>>(noun: string, text: unknown): Result<T, IdError> {
  if (typeof text === 'string' && ID_PATTERN.test(text)) return ok(text as T);
  return err({ code: 'id-malformed', noun, seen: seenIn(text) });
}

/** Parses a digest: 64 lower-case hexadecimal digits. Code: id-malformed. */
export function parseSha256(text: unknown): Result<Sha256, IdError> {
  if (typeof text === 'string' && SHA256_PATTERN.test(text)) return ok(text as Sha256);
  return err({ code: 'id-malformed', noun: 'SHA-256 digest', seen: seenIn(text) });
}

/** Texts are shown, cut; of anything else only its type: an object's own `toString` may be anything, even no function. */
function seenIn(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, SEEN_CHARACTERS_MAX) : `a value of type ${typeof value}`;
}

/** A little longer than the longest id, so that one character too many is seen. */
const SEEN_CHARACTERS_MAX = 140;
