// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { MetadataError } from '@outrider/domain/trust/tuf/errors';
import { findTarget } from '@outrider/domain/trust/tuf/find-target';
import type { MetadataReference, TargetFile } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSource, MetadataStore, TrustContext } from '@outrider/domain/trust/tuf/ports';
import {
  checkFresh,
  checkSnapshot,
  type TrustedSet,
  trustRoot,
  withoutTargets,
  withRoot,
  withSnapshot,
  withTargets,
  withTimestamp,
} from '@outrider/domain/trust/tuf/trusted-set';

/** One repository as a device follows it. */
export interface FollowedRepository {
  /** Folder of its files, both at the source and in the store: `image` or `director`. */
  readonly folder: string;
  /** The root that the device was born with: what it starts from when it has stored none. */
  readonly pinnedRoot: string;
  readonly source: MetadataSource;
  readonly store: MetadataStore;
  readonly context: TrustContext;
  /** What is known of it without looking at what is stored; absent: everything is read and verified anew. */
  readonly memory?: RepositoryMemory;
}

/**
 * What a program that goes on running knows of a repository: the documents that it verified and stored last. Whoever catches what a
 * follow threw begins with an empty one, since what was stored then is not known.
 */
export interface RepositoryMemory {
  held?: Held;
}

/** A state that was verified, and is what is stored. */
interface Held {
  readonly pinnedRoot: string;
  readonly set: TrustedSet;
  readonly timestampText: string;
  /** The file that was looked for last in this very set. */
  readonly found?: { readonly path: string; readonly target: TargetFile };
}

type Followed = Result<TrustedSet, MetadataError>;

/** Roots followed in one go: two a week, in the whole life of a vehicle. The same as python-tuf's. */
const ROOTS_MAX = 256;
/** The largest documents taken when nobody has named a length, in bytes; the same as python-tuf's. Source: TUF 1.0 §5. */
const BYTES_MAX = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 } as const;

/**
 * The workflow of a client up to the snapshot: the chain of roots, the timestamp, the snapshot. Each document is stored when it
 * was verified and before the next is asked for, so that a cut anywhere leaves what a later run goes on from. Source: TUF 1.0 §5.3
 * to §5.5. Codes: those of MetadataError.
 */
export async function refresh(repository: FollowedRepository): Promise<Followed> {
  const timed = await followTimestamp(repository, await storedState(repository));
  if (!timed.ok) return timed;
  const taken = await takeSnapshot(timed.value, repository);
  return taken.ok ? ok(remembered(repository, withoutLapsed(taken.value, repository.context))) : taken;
}

/**
 * The chain of roots and the timestamp: what the director's answer to the whole fleet consists of. Whoever
 * has asked `storedState` a moment ago hands it over.
 */
export async function refreshTimestamp(repository: FollowedRepository, stored?: StoredState): Promise<Followed> {
  const timed = await followTimestamp(repository, stored ?? (await storedState(repository)));
  if (!timed.ok) return timed;
  const fresh = checkFresh(timed.value, repository.context);
  return fresh.ok ? timed : fresh;
}

/** A file that the repository vouches for, and the set with every document that was needed to know. Source: TUF 1.0 §5.6. */
export async function resolveTarget(
  start: TrustedSet,
  path: string,
  repository: FollowedRepository,
): Promise<Result<{ readonly set: TrustedSet; readonly target: TargetFile }, MetadataError>> {
  const held = heldOf(repository);
  if (held?.set === start && held.found?.path === path) return ok({ set: start, target: held.found.target });
  let set = start;
  for (;;) {
    const search = findTarget(set, path, repository.context.digest);
    if (search.kind === 'found') {
      remembered(repository, set, { found: { path, target: search.target } });
      return ok({ set, target: search.target });
    }
    if (search.kind === 'unknown') return err({ code: 'target-unknown', detail: `No role names the file ${path}` });
    const taken = await loadRole(set, search, repository);
    if (!taken.ok) return taken;
    set = taken.value;
  }
}

/** What a device holds before it asks anyone. */
export interface StoredState {
  /** Its root; with what was verified under it, where that is remembered. */
  readonly root: Followed;
  /** Not verified yet, unless the set of the root has it. */
  readonly timestamp: string | undefined;
}

/** Reads what is stored of a repository, once for a refresh. */
export async function storedState(repository: FollowedRepository): Promise<StoredState> {
  const held = heldOf(repository);
  if (held !== undefined) return { root: ok(held.set), timestamp: held.timestampText };
  const timestamp = await repository.store.loadMetadata(nameOf(repository, 'timestamp.json'));
  return { root: await storedRoot(repository), timestamp };
}

/** The newest root that is trusted already, without asking anyone. Codes: metadata-malformed, metadata-unsigned. */
export async function storedRoot(repository: FollowedRepository): Promise<Followed> {
  const { pinnedRoot, store, context } = repository;
  const held = heldOf(repository);
  if (held !== undefined) return ok(held.set);
  const stored = await store.loadMetadata(nameOf(repository, 'root.json'));
  const known = stored === undefined ? undefined : trustRoot(stored, context);
  // A stored root that cannot be read is no reason to stay behind for good: the chain starts at the pinned one again.
  return known?.ok ? known : trustRoot(pinnedRoot, context);
}

async function followTimestamp(repository: FollowedRepository, stored: StoredState): Promise<Followed> {
  const rooted = await followRoots(repository, stored.root);
  return rooted.ok ? takeTimestamp(rooted.value, { repository, stored: stored.timestamp }) : rooted;
}

function heldOf({ memory, pinnedRoot }: FollowedRepository): Held | undefined {
  return memory?.held?.pinnedRoot === pinnedRoot ? memory.held : undefined;
}

/** Notes a set whose documents are all stored, and hands it back. */
function remembered(
  repository: FollowedRepository,
  set: TrustedSet,
  now: Partial<Pick<Held, 'timestampText' | 'found'>> = {},
): TrustedSet {
  const { memory, pinnedRoot } = repository;
  const held = heldOf(repository);
  const { timestampText = held?.timestampText, found } = now;
  if (memory === undefined || timestampText === undefined) return set;
  if (held?.set !== set || found !== undefined)
    memory.held = { pinnedRoot, set, timestampText, ...(found && { found }) };
  return set;
}

/** Documents of roles are looked at anew when one of them has expired: whoever asks for them says so, or finds a newer one. */
function withoutLapsed(set: TrustedSet, { now }: TrustContext): TrustedSet {
  for (const { signed } of set.targets.values()) if (now >= signed.expiresAt) return withoutTargets(set);
  return set;
}

async function followRoots(repository: FollowedRepository, start: Followed): Promise<Followed> {
  const { store, context } = repository;
  let set = start;
  for (let count = 0; set.ok && count < ROOTS_MAX; count++) {
    const name = `${set.value.root.signed.version + 1}.root.json`;
    const text = await fetched(repository, name, BYTES_MAX.root);
    if (!text.ok) return text;
    if (text.value === undefined) return set;
    set = withRoot(set.value, text.value, context);
    // Until all that is below it has been followed, what is stored says more than what is remembered.
    if (set.ok && repository.memory) delete repository.memory.held;
    if (set.ok) await store.storeMetadata(nameOf(repository, 'root.json'), text.value);
  }
  return set;
}

async function takeTimestamp(
  start: TrustedSet,
  { repository, stored }: { readonly repository: FollowedRepository; readonly stored: string | undefined },
): Promise<Followed> {
  const { store, context } = repository;
  // One that no longer holds, since its key was replaced, is left out. Source: TUF 1.0 §5.3.11 (fast-forward recovery).
  const isVerified = start.timestamp !== undefined || stored === undefined;
  const known = isVerified ? ok(start) : withTimestamp(start, stored, context);
  const set = known.ok ? known.value : start;
  const text = await needed(repository, 'timestamp.json', BYTES_MAX.timestamp);
  if (!text.ok) return text;
  // The very words that are trusted already: whether they still hold is asked of the whole set.
  if (text.value === stored && set.timestamp !== undefined)
    return ok(remembered(repository, set, { timestampText: stored }));
  const taken = withTimestamp(set, text.value, context);
  if (!taken.ok || taken.value.timestamp === set.timestamp) return taken;
  const fresh = checkFresh(taken.value, context);
  if (!fresh.ok) return fresh;
  await store.storeMetadata(nameOf(repository, 'timestamp.json'), text.value);
  return ok(remembered(repository, taken.value, { timestampText: text.value }));
}

async function takeSnapshot(start: TrustedSet, repository: FollowedRepository): Promise<Followed> {
  const { store, context } = repository;
  const name = nameOf(repository, 'snapshot.json');
  const known = start.snapshot === undefined ? await storedSnapshot(start, repository) : ok(start);
  const set = known?.ok ? known.value : start;
  if (known?.ok && checkSnapshot(set, context).ok) return ok(set);
  const reference = start.timestamp?.signed.snapshot ?? { version: 1 };
  const text = await needed(repository, fileOf(start, 'snapshot', reference), reference.length ?? BYTES_MAX.snapshot);
  if (!text.ok) return text;
  const taken = withSnapshot(withoutTargets(set), { text: text.value, isStored: false }, context);
  if (!taken.ok) return taken;
  const final = checkSnapshot(taken.value, context);
  if (!final.ok) return final;
  await store.storeMetadata(name, text.value);
  return taken;
}

async function storedSnapshot(start: TrustedSet, repository: FollowedRepository): Promise<Followed | undefined> {
  const stored = await repository.store.loadMetadata(nameOf(repository, 'snapshot.json'));
  return stored === undefined ? undefined : withSnapshot(start, { text: stored, isStored: true }, repository.context);
}

/** Takes one role that another, trusted already, delegates to; `targets` is delegated by `root`. */
export async function loadRole(
  set: TrustedSet,
  { role, delegator }: { readonly role: string; readonly delegator: string },
  repository: FollowedRepository,
): Promise<Followed> {
  const { store, context } = repository;
  const name = nameOf(repository, `${encodeURIComponent(role)}.json`);
  const stored = await store.loadMetadata(name);
  const known = stored === undefined ? undefined : withTargets(set, { text: stored, role, delegator }, context);
  if (known?.ok) return known;
  const reference = set.snapshot?.signed.meta.get(`${role}.json`);
  if (reference === undefined) {
    return err({ code: 'metadata-missing', detail: `The snapshot does not name ${role}.json` });
  }
  const text = await needed(repository, fileOf(set, role, reference), reference.length ?? BYTES_MAX.targets);
  if (!text.ok) return text;
  const taken = withTargets(set, { text: text.value, role, delegator }, context);
  if (taken.ok) await store.storeMetadata(name, text.value);
  return taken;
}

function fileOf(set: TrustedSet, role: string, { version }: MetadataReference): string {
  const name = `${encodeURIComponent(role)}.json`;
  return set.root.signed.isConsistent ? `${version}.${name}` : name;
}

async function needed(
  repository: FollowedRepository,
  name: string,
  bytesMax: number,
): Promise<Result<string, MetadataError>> {
  const text = await fetched(repository, name, bytesMax);
  if (!text.ok) return text;
  if (text.value !== undefined) return ok(text.value);
  return err({ code: 'metadata-missing', detail: `The repository does not have ${name}` });
}

async function fetched(
  repository: FollowedRepository,
  name: string,
  bytesMax: number,
): Promise<Result<string | undefined, MetadataError>> {
  const text = await repository.source.fetchMetadata(nameOf(repository, name), bytesMax);
  if (text.ok) return text;
  const { code, detail } = text.error;
  const as: Readonly<Record<typeof code, MetadataError['code']>> = {
    'too-long': 'metadata-length-wrong',
    'not-text': 'metadata-malformed',
    unreachable: 'metadata-unreachable',
  };
  return err({ code: as[code], detail });
}

function nameOf({ folder }: FollowedRepository, name: string): string {
  return `${folder}/${name}`;
}
