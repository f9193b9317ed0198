// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../../kernel/result.ts';
import type { MetadataError } from './errors.ts';
import type { KeyTable, MetadataKey, RoleKeys, SignedMetadata } from './metadata.ts';
import type { MetadataVerifier } from './ports.ts';

/** Who has validly signed a document for a role. */
export interface RoleSignatures {
  /** Keys of the role whose signature holds; one public key counts once, under however many ids. */
  readonly keyIds: readonly string[];
  /** Their groups; without groups, the keys themselves. */
  readonly groups: readonly string[];
}

/** Counts the valid signatures of a role's own keys; others are passed over. Source: TUF 1.0 §5.3.4. */
export function roleSignatures(
  document: SignedMetadata<unknown>,
  { role, keys, verifier }: { readonly role: RoleKeys; readonly keys: KeyTable; readonly verifier: MetadataVerifier },
): RoleSignatures {
  const found: string[] = [];
  const counted = new Set<string>();
  for (const { keyId, signature } of document.signatures) {
    const key = role.keyIds.includes(keyId) ? keys.get(keyId) : undefined;
    if (key === undefined || counted.has(fingerprint(key))) continue;
    if (!verifier.verify(key, document.message, signature)) continue;
    counted.add(fingerprint(key));
    found.push(keyId);
  }
  return { keyIds: found, groups: groupsOf(found, role) };
}

/** Whether as many different keys, and keys of as many different groups, as the role's threshold have signed. Code: metadata-unsigned. */
export function verifyRole(
  document: SignedMetadata<unknown>,
  by: { readonly name: string; readonly role: RoleKeys; readonly keys: KeyTable; readonly verifier: MetadataVerifier },
): Result<'verified', MetadataError> {
  if (isKnown(document, by)) return VERIFIED;
  const { keyIds, groups } = roleSignatures(document, by);
  const { threshold } = by.role;
  if (keyIds.length >= threshold && groups.length >= threshold) {
    known.set(document, by);
    return VERIFIED;
  }
  const from = by.role.groups === undefined ? 'keys' : 'groups';
  const detail = `${by.name} is validly signed by ${groups.length} different ${from} (${groups.join(', ') || 'none'}), needed are ${threshold}`;
  return err({ code: 'metadata-unsigned', detail });
}

type VerifiedBy = Pick<Parameters<typeof verifyRole>[1], 'role' | 'keys' | 'verifier'>;

/** For whom each document was verified last: none of the four ever changes, and a root is asked about at each check-in. */
const known = new WeakMap<SignedMetadata<unknown>, VerifiedBy>();
const VERIFIED: Result<'verified', never> = ok('verified');

function isKnown(document: SignedMetadata<unknown>, { role, keys, verifier }: VerifiedBy): boolean {
  const last = known.get(document);
  return last !== undefined && last.role === role && last.keys === keys && last.verifier === verifier;
}

function fingerprint({ scheme, publicKey }: MetadataKey): string {
  return `${scheme} ${publicKey}`;
}

function groupsOf(keyIds: readonly string[], { groups }: RoleKeys): readonly string[] {
  if (groups === undefined) return keyIds;
  return [...groups].filter(([, own]) => own.some((keyId) => keyIds.includes(keyId))).map(([name]) => name);
}
