// SPDX-License-Identifier: Apache-2.0
import { assert } from '../kernel/assert.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** A version of SemVer 2.0.0, taken apart. Numbers stay texts: SemVer sets no limit on their digits. */
export interface Version {
  readonly core: readonly [major: string, minor: string, patch: string];
  readonly preRelease: readonly string[];
  /** Says nothing about precedence (SemVer 2.0.0 §10). */
  readonly build: readonly string[];
}

/** A text that is no version of SemVer 2.0.0. */
export interface VersionError {
  readonly code: 'version-malformed';
  readonly seen: string;
}

/** Longest version text: SemVer sets no limit, but file names, columns and the time of a match do. */
export const VERSION_CHARACTERS_MAX = 128;

/** Parses a version by SemVer 2.0.0 §2, §9 and §10: no leading `v`, no missing part. Code: version-malformed. */
export function parseVersion(text: string): Result<Version, VersionError> {
  const match = text.length > VERSION_CHARACTERS_MAX ? null : SEMVER.exec(text);
  if (match === null) return err({ code: 'version-malformed', seen: text.slice(0, SEEN_CHARACTERS_MAX) });
  const [, major = '', minor = '', patch = '', preRelease, build] = match;
  return ok({
    core: [major, minor, patch],
    preRelease: preRelease === undefined ? [] : preRelease.split('.'),
    build: build === undefined ? [] : build.split('.'),
  });
}

/**
 * Negative when `a` precedes `b`, positive when it follows, zero at the same precedence (SemVer 2.0.0 §11). Both texts
 * must have been parsed before: anything else is a bug, not input.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = parsed(a);
  const right = parsed(b);
  for (const [index, part] of left.core.entries()) {
    const order = compareNumbers(part, right.core[index] ?? '');
    if (order !== 0) return order;
  }
  return comparePreReleases(left.preRelease, right.preRelease);
}

/** The expression that SemVer 2.0.0 suggests in its FAQ, with numbered groups. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;

const SEEN_CHARACTERS_MAX = 140;

function parsed(text: string): Version {
  const version = parseVersion(text);
  assert(version.ok, `a version that was parsed before, got ${text.slice(0, SEEN_CHARACTERS_MAX)}`);
  return version.value;
}

/** SemVer 2.0.0 §11.3 and §11.4. */
function comparePreReleases(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return right.length - left.length;
  for (const [index, identifier] of left.entries()) {
    const other = right[index];
    // §11.4.4: a larger set of fields follows a smaller one whose fields are all equal.
    if (other === undefined) return 1;
    const order = compareIdentifiers(identifier, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** SemVer 2.0.0 §11.4.1 to §11.4.3: numbers by value and before words, words in ASCII order. */
function compareIdentifiers(left: string, right: string): number {
  const isLeftNumber = DIGITS.test(left);
  const isRightNumber = DIGITS.test(right);
  if (isLeftNumber && isRightNumber) return compareNumbers(left, right);
  if (isLeftNumber !== isRightNumber) return isLeftNumber ? -1 : 1;
  return compareTexts(left, right);
}

const DIGITS = /^\d+$/;

/** Without leading zeros a longer number is a larger one, and equally long ones sort as texts. */
function compareNumbers(left: string, right: string): number {
  return left.length === right.length ? compareTexts(left, right) : left.length - right.length;
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
