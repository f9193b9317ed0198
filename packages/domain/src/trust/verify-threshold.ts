// SPDX-License-Identifier: Apache-2.0
import type { KeyId, Sha256 } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { type Envelope, type PublicKey, preAuthenticationEncoding, type Signature } from './envelope.ts';
import type { TrustError } from './errors.ts';
import type { SignatureVerifier } from './ports.ts';
import type { SigningRole } from './role.ts';

/**
 * Whether enough different groups have signed exactly this type and payload. A key counts once however often it signed,
 * a group counts once however many of its keys signed, and signatures by keys that the role does not name are passed
 * over. The caller checks that `payloadType` is the one it expects. Codes: threshold-not-met, role-invalid.
 * Source: TUF 1.0 §4.2.1 and §5.3.4 (thresholds count keys; ours count groups of keys).
 */
export function verifyThreshold(
  envelope: Envelope,
  role: SigningRole,
  verifier: SignatureVerifier,
): Result<'verified', TrustError> {
  const fault = faultOfRole(role);
  if (fault !== undefined) return err({ code: 'role-invalid', detail: fault });
  const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
  const signatures = bySigner(envelope.signatures);
  const hasSigned = (key: PublicKey) =>
    signatures.get(key.keyId)?.some((one) => verifier.verify(key, message, one.signature)) ?? false;
  const groupsSigned = role.groups.filter((group) => group.keys.some(hasSigned)).map((group) => group.name);
  if (groupsSigned.length >= role.threshold) return ok('verified');
  const keysInvalid = role.groups
    .flatMap((group) => group.keys)
    .filter((key) => signatures.has(key.keyId) && !hasSigned(key))
    .map((key) => key.keyId);
  return err({ code: 'threshold-not-met', threshold: role.threshold, groupsSigned, keysInvalid });
}

/** Who has validly signed: one key of a group. */
export interface RoleSigner {
  readonly group: string;
  readonly keyId: KeyId;
  /** The digest of a person's id, where the role says whose key it is. */
  readonly person?: Sha256;
}

/** The keys of the role whose signature on this document holds, in the order of the role. Nothing is said of the threshold. */
export function signersOf(envelope: Envelope, role: SigningRole, verifier: SignatureVerifier): readonly RoleSigner[] {
  const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
  const signatures = bySigner(envelope.signatures);
  return role.groups.flatMap(({ name, keys }) =>
    keys
      .filter((key) => signatures.get(key.keyId)?.some((one) => verifier.verify(key, message, one.signature)))
      .map(({ keyId, person }) => ({ group: name, keyId, ...(person && { person }) })),
  );
}

/** What makes a role unfit to decide anything, as a sentence. */
function faultOfRole(role: SigningRole): string | undefined {
  const { threshold, groups } = role;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > groups.length) {
    return `The threshold is ${threshold}; for ${groups.length} groups it must be from 1 to ${groups.length}`;
  }
  const names = groups.map((group) => group.name);
  if (new Set(names).size < names.length) return `Two groups have one name among ${names.join(', ')}`;
  // One person with a key in two groups would be two people.
  const people = groups.flatMap((group) => [...new Set(group.keys.flatMap(({ person }) => person ?? []))]);
  if (new Set(people).size < people.length) return 'A person has keys in two groups; each person may stand in one';
  // One key in two groups, or under two ids, would count twice: a threshold of two would then be met by one thief.
  const keys = groups.flatMap((group) => group.keys);
  for (const part of ['keyId', 'publicKey'] as const) {
    const repeated = keys.find((key, index) => keys.findIndex((other) => other[part] === key[part]) !== index);
    if (repeated !== undefined) return `The key ${repeated.keyId} stands in the role twice; each key may stand once`;
  }
  return undefined;
}

function bySigner(signatures: readonly Signature[]): ReadonlyMap<KeyId, readonly Signature[]> {
  const found = new Map<KeyId, readonly Signature[]>();
  for (const one of signatures) found.set(one.keyId, [...(found.get(one.keyId) ?? []), one]);
  return found;
}
