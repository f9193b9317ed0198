// SPDX-License-Identifier: Apache-2.0
import type { TargetFile } from './metadata.ts';
import { isDelegated } from './path-pattern.ts';
import type { MetadataDigest } from './ports.ts';
import { delegationOf, type TrustedSet } from './trusted-set.ts';

/** Where a search for a file stands: it is known, nobody may name it, or one more document is needed. */
export type TargetSearch =
  | { readonly kind: 'found'; readonly target: TargetFile; readonly role: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'needs'; readonly role: string; readonly delegator: string };

/** Roles looked at for one file: deeper is a loop or a labyrinth. The same as python-tuf's. Source: TUF 1.0 §5.6.7.1. */
export const DELEGATIONS_MAX = 32;

/**
 * Looks for a file, roles in the order of their delegation and depth first, among the documents that are trusted so far; asks
 * for the next one by name. A terminating role ends the search for its paths. Source: TUF 1.0 §5.6.7.
 */
export function findTarget(set: TrustedSet, path: string, digest: MetadataDigest): TargetSearch {
  const waiting: { readonly role: string; readonly delegator: string }[] = [{ role: 'targets', delegator: 'root' }];
  const visited = new Set<string>();
  while (visited.size <= DELEGATIONS_MAX) {
    const next = waiting.pop();
    if (next === undefined) return { kind: 'unknown' };
    const { role, delegator } = next;
    if (visited.has(role)) continue;
    const document = set.targets.get(role);
    if (document === undefined || !set.vouched.has(delegationOf(delegator, role))) return { kind: 'needs', ...next };
    const target = document.signed.targets.get(path);
    if (target !== undefined) return { kind: 'found', target, role };
    visited.add(role);
    const children: { readonly role: string; readonly delegator: string }[] = [];
    for (const child of document.signed.delegations?.roles ?? []) {
      if (!isDelegated(child, path, digest)) continue;
      children.push({ role: child.name, delegator: role });
      if (!child.isTerminating) continue;
      waiting.length = 0;
      break;
    }
    waiting.push(...children.reverse());
  }
  return { kind: 'unknown' };
}
