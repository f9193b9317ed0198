// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import { TAGS_MAX } from '../policy/attributes.ts';

/** Tags that are added to devices and taken from them. What stands in both is taken away. */
export interface TagChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** The tags of a device after a change, in the order in which they came. Code: tags-too-many. */
export function changedTags(
  tags: readonly string[],
  { add, remove }: TagChange,
): Result<readonly string[], { readonly code: 'tags-too-many'; readonly tagsMax: number }> {
  const kept = [...new Set([...tags, ...add])].filter((one) => !remove.includes(one));
  return kept.length <= TAGS_MAX ? ok(kept) : err({ code: 'tags-too-many', tagsMax: TAGS_MAX });
}

/** The change in words, for the audit log. */
export function describeTagChange({ add, remove }: TagChange): string {
  return [...add.map((one) => `+${one}`), ...remove.map((one) => `-${one}`)].join(' ');
}
