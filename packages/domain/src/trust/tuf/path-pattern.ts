// SPDX-License-Identifier: Apache-2.0
import type { DelegatedRole } from './metadata.ts';
import type { MetadataDigest } from './ports.ts';

/** Whether a delegated role may speak for a path. Source: TUF 1.0 §4.5 (`paths`, `path_hash_prefixes`). */
export function isDelegated(role: DelegatedRole, path: string, digest: MetadataDigest): boolean {
  if (role.pathHashPrefixes !== undefined) {
    const hash = digest('sha256', path) ?? '';
    return role.pathHashPrefixes.some((prefix) => hash.startsWith(prefix));
  }
  return role.paths?.some((pattern) => matchesPattern(path, pattern)) ?? false;
}

/** A pattern of the shell, a segment at a time: `*`, `?` and `[...]` never span a slash. */
export function matchesPattern(path: string, pattern: string): boolean {
  const segments = path.split('/');
  const patterns = pattern.split('/');
  if (segments.length !== patterns.length) return false;
  return segments.every((segment, index) => matchesSegment([...segment], [...(patterns[index] ?? '')]));
}

/** The classic two pointers: linear but for one way back to the last star, so that no pattern can stall a device. */
function matchesSegment(text: readonly string[], pattern: readonly string[]): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resumeAt = 0;
  while (at < text.length) {
    const unit = pattern[place] === '*' ? undefined : unitAt(pattern, place);
    if (unit?.matches(text[at] ?? '')) {
      at += 1;
      place = unit.next;
    } else if (pattern[place] === '*') {
      star = place;
      resumeAt = at;
      place += 1;
    } else if (star >= 0) {
      resumeAt += 1;
      at = resumeAt;
      place = star + 1;
    } else return false;
  }
  while (pattern[place] === '*') place += 1;
  return place === pattern.length;
}

interface Unit {
  readonly matches: (character: string) => boolean;
  readonly next: number;
}

function unitAt(pattern: readonly string[], place: number): Unit | undefined {
  const character = pattern[place];
  if (character === undefined) return undefined;
  if (character === '?') return { matches: () => true, next: place + 1 };
  if (character !== '[') return { matches: (seen) => seen === character, next: place + 1 };
  const isNegated = pattern[place + 1] === '!';
  const from = place + (isNegated ? 2 : 1);
  // A bracket right after the opening one is a member; without a closing one the opening one stands for itself.
  const end = pattern.indexOf(']', from + 1);
  if (end < 0) return { matches: (seen) => seen === '[', next: place + 1 };
  const members = pattern.slice(from, end);
  return { matches: (seen) => isAmong(seen, members) !== isNegated, next: end + 1 };
}

function isAmong(character: string, members: readonly string[]): boolean {
  for (let index = 0; index < members.length; index++) {
    const low = members[index] ?? '';
    const high = members[index + 1] === '-' ? members[index + 2] : undefined;
    if (high === undefined) {
      if (character === low) return true;
    } else {
      if (character >= low && character <= high) return true;
      index += 2;
    }
  }
  return false;
}
