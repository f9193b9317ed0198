// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../../kernel/result.ts';
import { instantText } from '../../kernel/time.ts';
import { utf8Length } from '../envelope.ts';
import type { MetadataError, MetadataErrorCode } from './errors.ts';
import type {
  MetadataHead,
  MetadataReference,
  RootMetadata,
  SignedMetadata,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
  TopRole,
} from './metadata.ts';
import type { TrustContext } from './ports.ts';
import { verifyRole } from './verify-role.ts';

/**
 * What a client trusts of one repository. Made by the functions below alone, each of which takes one more document or says
 * why not, and changes nothing then: the caller stores a document after it was taken, so that what is stored was verified
 * and a cut between two of them leaves an older state, never a mixed one. Source: TUF 1.0 §5.
 */
export interface TrustedSet {
  readonly root: SignedMetadata<RootMetadata>;
  readonly timestamp?: SignedMetadata<TimestampMetadata>;
  readonly snapshot?: SignedMetadata<SnapshotMetadata>;
  /** By role: `targets` and those delegated to. */
  readonly targets: ReadonlyMap<string, SignedMetadata<TargetsMetadata>>;
  /** Who was seen to delegate to whom: one role may be delegated to by two others, with different keys. */
  readonly vouched: ReadonlySet<string>;
}

/** The name of a delegation in `vouched`. */
export function delegationOf(delegator: string, role: string): string {
  return JSON.stringify([delegator, role]);
}

type Taken = Result<TrustedSet, MetadataError>;

/** What a root alone stands for: one pair for all sets, which are made at each check-in and never change. */
const NOTHING_YET: Pick<TrustedSet, 'targets' | 'vouched'> = { targets: new Map(), vouched: new Set() };

/** The same without documents of roles: another snapshot names others. */
export function withoutTargets(set: TrustedSet): TrustedSet {
  return set.targets.size === 0 ? set : { ...set, ...NOTHING_YET };
}

/** Begins with the root that the device was born with, or that it stored. Codes: metadata-malformed, metadata-unsigned. */
export function trustRoot(text: string, context: TrustContext): Taken {
  const root = context.read.root(text);
  if (!root.ok) return malformed('root', root.error);
  const verified = verifyTop(root.value, { role: 'root', root: root.value.signed, context });
  return verified.ok ? ok({ root: root.value, ...NOTHING_YET }) : verified;
}

/**
 * Takes the next root: signed by the threshold of the trusted one and by its own, exactly one version later. It may have
 * expired, as long as a later one has not. Source: TUF 1.0 §5.3. Codes: metadata-malformed, -unsigned, -version-wrong.
 */
export function withRoot(set: TrustedSet, text: string, context: TrustContext): Taken {
  const root = context.read.root(text);
  if (!root.ok) return malformed('root', root.error);
  for (const signer of [set.root, root.value]) {
    const verified = verifyTop(root.value, { role: 'root', root: signer.signed, context });
    if (!verified.ok) return verified;
  }
  const next = set.root.signed.version + 1;
  if (root.value.signed.version !== next) return versionWrong('root', root.value.signed.version, next);
  return ok({ root: root.value, ...NOTHING_YET });
}

/**
 * Takes a timestamp: signed, no older than the trusted one, and naming no older snapshot. One of the same version changes
 * nothing. Whether it has expired is `checkFresh`'s. Source: TUF 1.0 §5.4. Codes: metadata-malformed, -unsigned, -rolled-back,
 * -expired (the root).
 */
export function withTimestamp(set: TrustedSet, text: string, context: TrustContext): Taken {
  const fresh = checkExpiry('root', set.root, context);
  if (!fresh.ok) return fresh;
  const timestamp = context.read.timestamp(text);
  if (!timestamp.ok) return malformed('timestamp', timestamp.error);
  const verified = verifyTop(timestamp.value, { role: 'timestamp', root: set.root.signed, context });
  if (!verified.ok) return verified;
  const trusted = set.timestamp?.signed;
  const seen = timestamp.value.signed;
  if (trusted !== undefined) {
    if (seen.version < trusted.version) return rolledBack('timestamp', seen.version, trusted.version);
    if (seen.version === trusted.version) return ok(set);
    const [now, before] = [seen.snapshot.version, trusted.snapshot.version];
    if (now < before) return rolledBack('snapshot named by the timestamp', now, before);
    const epochs = [seen.fleet?.policyEpoch ?? 0, trusted.fleet?.policyEpoch ?? 0] as const;
    // A thief of an old answer must not undo a pause.
    if (epochs[0] < epochs[1]) return rolledBack('policy epoch', epochs[0], epochs[1]);
  }
  return ok({ ...set, timestamp: timestamp.value });
}

/** Whether the trusted timestamp, and the root above it, still hold at this time. Code: metadata-expired. */
export function checkFresh(set: TrustedSet, context: TrustContext): Result<'fresh', MetadataError> {
  const root = checkExpiry('root', set.root, context);
  if (!root.ok) return root;
  return set.timestamp === undefined ? missing('timestamp') : checkExpiry('timestamp', set.timestamp, context);
}

/**
 * Takes a snapshot: the bytes that the timestamp names, signed, and with no document missing or older than in the trusted
 * one. One that the device stored itself (`isStored`) may be of an earlier version: it is what newer ones are compared with.
 * Whether it is the one named, and fresh, is `checkSnapshot`'s. Source: TUF 1.0 §5.5.
 */
export function withSnapshot(
  set: TrustedSet,
  document: { readonly text: string; readonly isStored: boolean },
  context: TrustContext,
): Taken {
  const fresh = checkFresh(set, context);
  if (!fresh.ok) return fresh;
  const { timestamp } = set;
  if (timestamp === undefined) return missing('timestamp');
  if (!document.isStored) {
    const named = checkReference('snapshot', { text: document.text, reference: timestamp.signed.snapshot, context });
    if (!named.ok) return named;
  }
  const snapshot = context.read.snapshot(document.text);
  if (!snapshot.ok) return malformed('snapshot', snapshot.error);
  const verified = verifyTop(snapshot.value, { role: 'snapshot', root: set.root.signed, context });
  if (!verified.ok) return verified;
  for (const [name, before] of set.snapshot?.signed.meta ?? []) {
    const now = snapshot.value.signed.meta.get(name);
    if (now === undefined) return fault('metadata-rolled-back', `The snapshot no longer names ${name}`);
    if (now.version < before.version) return rolledBack(`${name} named by the snapshot`, now.version, before.version);
  }
  return ok({ ...set, snapshot: snapshot.value });
}

/** Whether the trusted snapshot is the one that the timestamp names, and has not expired. Codes: metadata-expired, -version-wrong. */
export function checkSnapshot(set: TrustedSet, context: TrustContext): Result<'fresh', MetadataError> {
  const fresh = checkFresh(set, context);
  if (!fresh.ok) return fresh;
  if (set.snapshot === undefined) return missing('snapshot');
  const expiry = checkExpiry('snapshot', set.snapshot, context);
  if (!expiry.ok) return expiry;
  const [seen, named] = [set.snapshot.signed.version, set.timestamp?.signed.snapshot.version ?? 0];
  return seen === named ? expiry : versionWrong('snapshot', seen, named);
}

/**
 * Takes the targets of a role, delegated by another that is trusted already (the root delegates `targets`): the bytes and the
 * version that the snapshot names, signed by whom the delegator says, not expired. Source: TUF 1.0 §5.6.
 */
export function withTargets(
  set: TrustedSet,
  document: { readonly text: string; readonly role: string; readonly delegator: string },
  context: TrustContext,
): Taken {
  const { text, role, delegator } = document;
  const fresh = checkSnapshot(set, context);
  if (!fresh.ok) return fresh;
  const reference = set.snapshot?.signed.meta.get(`${role}.json`);
  if (reference === undefined) return missing(`${role}.json in the snapshot`);
  const named = checkReference(role, { text, reference, context });
  if (!named.ok) return named;
  const targets = context.read.targets(text);
  if (!targets.ok) return malformed(role, targets.error);
  const by = signersOf(set, role, delegator);
  if (by === undefined) return fault('metadata-unsigned', `${delegator} does not delegate to ${role}`);
  const verified = verifyRole(targets.value, { name: role, ...by, verifier: context.verifier });
  if (!verified.ok) return verified;
  const { version } = targets.value.signed;
  if (version !== reference.version) return versionWrong(role, version, reference.version);
  const expiry = checkExpiry(role, targets.value, context);
  if (!expiry.ok) return expiry;
  const vouched = new Set([...set.vouched, delegationOf(delegator, role)]);
  return ok({ ...set, vouched, targets: new Map([...set.targets, [role, targets.value]]) });
}

/** Who signs for a role, by what its delegator says. */
function signersOf(set: TrustedSet, role: string, delegator: string) {
  if (delegator === 'root') return { role: set.root.signed.roles.targets, keys: set.root.signed.keys };
  const delegations = set.targets.get(delegator)?.signed.delegations;
  const found = delegations?.roles.find(({ name }) => name === role);
  return found && delegations && { role: found, keys: delegations.keys };
}

/**
 * Checks one document beside the chain: the director's targets for one device, signed by whom the root names for `role`, and
 * not expired. Codes: metadata-unsigned, metadata-expired.
 */
export function verifyDetached(
  document: SignedMetadata<MetadataHead>,
  by: { readonly role: TopRole; readonly root: RootMetadata; readonly context: TrustContext },
): Result<'verified', MetadataError> {
  const verified = verifyTop(document, by);
  if (!verified.ok) return verified;
  const expiry = checkExpiry(by.role, document, by.context);
  return expiry.ok ? verified : expiry;
}

function verifyTop(
  document: SignedMetadata<unknown>,
  by: { readonly role: TopRole; readonly root: RootMetadata; readonly context: TrustContext },
): Result<'verified', MetadataError> {
  const { roles, keys } = by.root;
  return verifyRole(document, { name: by.role, role: roles[by.role], keys, verifier: by.context.verifier });
}

function checkReference(
  name: string,
  {
    text,
    reference,
    context,
  }: { readonly text: string; readonly reference: MetadataReference; readonly context: TrustContext },
): Result<'named', MetadataError> {
  const { length, hashes } = reference;
  if (length !== undefined && utf8Length(text) !== length) {
    return fault('metadata-length-wrong', `${name} has ${utf8Length(text)} bytes, named are ${length}`);
  }
  for (const [algorithm, named] of hashes ?? []) {
    if (context.digest(algorithm, text) === named) continue;
    return fault('metadata-digest-wrong', `${name} does not have the ${algorithm} ${named}`);
  }
  return ok('named');
}

function checkExpiry(
  name: string,
  document: SignedMetadata<MetadataHead>,
  { now }: TrustContext,
): Result<'fresh', MetadataError> {
  const { expiresAt, version } = document.signed;
  if (now < expiresAt) return ok('fresh');
  const detail = `${name} ${version} expired at ${instantText(expiresAt)}, and it is ${instantText(now)}`;
  return fault('metadata-expired', detail);
}

function malformed(name: string, why: string): Result<never, MetadataError> {
  return fault('metadata-malformed', `${name}: ${why}`);
}

function missing(name: string): Result<never, MetadataError> {
  return fault('metadata-missing', `There is no ${name}`);
}

function versionWrong(name: string, seen: number, named: number): Result<never, MetadataError> {
  return fault('metadata-version-wrong', `${name} has version ${seen}, named is ${named}`);
}

function rolledBack(name: string, seen: number, trusted: number): Result<never, MetadataError> {
  return fault('metadata-rolled-back', `${name} has version ${seen}, trusted before was ${trusted}`);
}

function fault(code: MetadataErrorCode, detail: string): Result<never, MetadataError> {
  return err({ code, detail });
}
