// SPDX-License-Identifier: Apache-2.0
import type { Brand } from '@outrider/domain/kernel/brand';
import {
  type Bytes,
  type DeviceId,
  type Epoch,
  type KeyId,
  type PermitId,
  parseId,
  parseSha256,
  type ReleaseCounter,
  type ReleaseId,
  type Revision,
  type RolloutId,
  type SegmentId,
} from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type DurationMs, durationMs, type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { parseVersion } from '@outrider/domain/release/version';
import type { ParseError } from './parse-error.ts';
import { malformed, parsedBy, type Reader, whole } from './reader.ts';

const ID_ALLOWED = '1 to 128 of the characters A-Z a-z 0-9 . _ : @ + -, the first a letter or digit';

/** Reads a device id. */
export const deviceId = id<DeviceId>('device id');
/** Reads a rollout id. */
export const rolloutId = id<RolloutId>('rollout id');
/** Reads a release id. */
export const releaseId = id<ReleaseId>('release id');
/** Reads a permit id. */
export const permitId = id<PermitId>('permit id');
/** Reads a segment. */
export const segmentId = id<SegmentId>('segment');
/** Names and attribute values: texts that are safe in paths, logs and queries, like ids. */
export const label = id<Brand<string, 'Label'>>('label') as Reader<string>;

/** SHA-256 in lower-case hexadecimal. */
export const sha256 = parsedBy(parseSha256, '64 lower-case hexadecimal digits');
/** A key is named by the SHA-256 of its raw bytes. */
export const keyId: Reader<KeyId> = (value) => {
  const digest = sha256(value);
  // A key id is a digest by its definition in domain/trust/envelope.
  return digest.ok ? ok(digest.value as string as KeyId) : digest;
};

/** Reads a count of bytes. */
export const bytes = branded<Bytes>(0);
/** Reads a revision of the policy log. */
export const revision = branded<Revision>(0);
/** Reads an epoch. */
export const epoch = branded<Epoch>(0);
/** Zero: a device from before its first release. */
export const releaseCounter = branded<ReleaseCounter>(0);

/** A semantic version of at most 128 characters. */
export function version(value: unknown): Result<string, ParseError> {
  const isVersion = typeof value === 'string' && parseVersion(value).ok;
  return isVersion ? ok(value) : malformed(value, 'a version of SemVer 2.0.0, for example 1.4.0-rc.1');
}

/** Milliseconds since 1970 on the fleet's clock. */
export function instant(value: unknown): Result<FleetInstant, ParseError> {
  const ms = INSTANT_MS(value);
  return ms.ok ? ok(fleetInstant(ms.value)) : ms;
}

/** Milliseconds, zero or more. */
export function duration(value: unknown): Result<DurationMs, ParseError> {
  const ms = DURATION_MS(value);
  return ms.ok ? ok(durationMs(ms.value)) : ms;
}

/** A text of this form, for keys and signatures: what was seen is told by its length alone. Code: body-malformed. */
export function bytesText(pattern: RegExp, allowed: string): Reader<string> {
  return (value) => {
    if (typeof value === 'string' && pattern.test(value)) return ok(value);
    const seen = typeof value === 'string' ? `a text of ${value.length} characters` : `a ${typeof value}`;
    return err({ code: 'body-malformed', path: '', seen, allowed });
  };
}

/** Base64 (RFC 4648 §4, padded, no spare bits) of exactly so many bytes. */
export function base64Of(byteCount: keyof typeof BASE64_OF): Reader<string> {
  return bytesText(BASE64_OF[byteCount], `base64 of ${byteCount} bytes, padded`);
}

/** The last character before the padding holds spare bits: they must be zero, or one value would have many texts. */
const BASE64_OF = {
  32: /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  64: /^[A-Za-z0-9+/]{85}[AQgw]==$/,
  91: /^[A-Za-z0-9+/]{121}[AQgw]==$/,
} as const;

/** The largest instant of ECMAScript's Date (ECMA-262 §21.4.1.1). */
const INSTANT_MS = whole({ min: 0, max: 8_640_000_000_000_000 });

/** A hundred years: longer is a mistake in units. */
const DURATION_MS = whole({ min: 0, max: 3_155_760_000_000 });

function id<T extends Brand<string, string>>(noun: string): Reader<T> {
  return parsedBy((value) => parseId<T>(noun, value), `a ${noun}: ${ID_ALLOWED}`);
}

function branded<T extends Brand<number, string>>(min: number): Reader<T> {
  const reader = whole({ min });
  return (value) => {
    const count = reader(value);
    // The parser is the one place that makes these counts.
    return count.ok ? ok(count.value as T) : count;
  };
}
