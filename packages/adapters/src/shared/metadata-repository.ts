// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { MetadataError } from '@outrider/domain/trust/tuf/errors';
import type {
  MetadataReference,
  RootMetadata,
  SignedMetadata,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
} from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner, MetadataStore, TrustContext, TrustTools } from '@outrider/domain/trust/tuf/ports';
import { nextSnapshot, nextTimestamp, referenceTo } from '@outrider/domain/trust/tuf/publication';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { type AnyMetadata, encodeMetadata, metadataMessage } from '@outrider/protocol/trust/tuf/write-metadata';
import { createFolder, readTextIfPresent, writeFileDurably } from './files.ts';
import { loadRole, refresh } from './metadata-client.ts';
import { createMetadataVerifier, metadataDigest } from './metadata-keys.ts';

/** Where both repositories lie below the data folder of a server. */
export const REPOSITORY_FOLDER = 'repository';

/** What a repository has published: the state that its timestamp names. */
export interface PublishedState {
  readonly root: SignedMetadata<RootMetadata>;
  readonly rootText: string;
  readonly timestamp?: SignedMetadata<TimestampMetadata>;
  readonly snapshot?: SignedMetadata<SnapshotMetadata>;
  /** By role. */
  readonly targets: ReadonlyMap<string, { readonly text: string; readonly document: SignedMetadata<TargetsMetadata> }>;
}

/** The two keys that the server signs a publication with. */
export interface PublicationSigners {
  readonly snapshot: MetadataSigner;
  readonly timestamp: MetadataSigner;
}

/** Documents as files of a folder, each replaced whole. Makes what folders it needs. */
export function metadataFolder(folder: string): MetadataStore {
  const made = new Set<string>();
  return {
    loadMetadata: (name) => readTextIfPresent(join(folder, name)),
    async storeMetadata(name, text) {
      const path = join(folder, name);
      const parent = join(path, '..');
      if (!made.has(parent)) await createFolder(parent);
      made.add(parent);
      await writeFileDurably(path, text);
    },
  };
}

/** Documents as they are in production: Ed25519 and ECDSA by the platform. */
export const TRUST_TOOLS: TrustTools = {
  verifier: createMetadataVerifier(),
  digest: metadataDigest,
  read: metadataReader,
};

/** What documents are checked with at this instant. */
export function trustContext(now: FleetInstant, tools = TRUST_TOOLS): TrustContext {
  return { ...tools, now };
}

/** A document with the signatures of these keys. */
export async function signMetadata(metadata: AnyMetadata, signers: readonly MetadataSigner[]): Promise<string> {
  const message = metadataMessage(metadata);
  const signatures = [];
  for (const { keyId, sign } of signers) signatures.push({ keyId, signature: await sign(message) });
  return encodeMetadata(metadata, signatures);
}

/** Newest root of a folder of documents after a version, or undefined where none was ever published. */
export async function newestRoot(
  files: MetadataStore,
  folder: string,
  { read = TRUST_TOOLS.read, after = 0 }: Partial<Pick<TrustTools, 'read'>> & { readonly after?: number } = {},
): Promise<{ readonly text: string; readonly document: SignedMetadata<RootMetadata> } | undefined> {
  let newest: { readonly text: string; readonly document: SignedMetadata<RootMetadata> } | undefined;
  for (let version = after + 1; ; version++) {
    const text = await files.loadMetadata(`${folder}/${version}.root.json`);
    if (text === undefined) return newest;
    newest = { text, document: present(read.root(text), `${version}.root.json`) };
  }
}

/** Reads what is published. Throws where a file that the timestamp leads to is gone or damaged: restore it from a backup. */
export async function loadPublished(
  files: MetadataStore,
  folder: string,
  tools = TRUST_TOOLS,
): Promise<PublishedState | undefined> {
  const { read } = tools;
  const root = await newestRoot(files, folder, tools);
  if (root === undefined) return undefined;
  const base = { root: root.document, rootText: root.text };
  const timestampText = await files.loadMetadata(`${folder}/timestamp.json`);
  if (timestampText === undefined) return { ...base, targets: new Map() };
  const timestamp = present(read.timestamp(timestampText), 'timestamp.json');
  const name = `${timestamp.signed.snapshot.version}.snapshot.json`;
  const snapshot = present(read.snapshot(await needed(files, `${folder}/${name}`)), name);
  const targets = new Map<string, { readonly text: string; readonly document: SignedMetadata<TargetsMetadata> }>();
  for (const [file, { version }] of snapshot.signed.meta) {
    const text = await needed(files, `${folder}/${version}.${file}`);
    targets.set(file.replace(/\.json$/, ''), { text, document: present(read.targets(text), file) });
  }
  return { ...base, timestamp, snapshot, targets };
}

/**
 * Publishes documents of roles, and a new root where there is one: snapshot and timestamp are made for them, and the whole is
 * read by our own client before a byte of it is written, so that nothing is published that devices would refuse. The timestamp
 * is written last: until then, and when the disk is full before, the former state stays served whole.
 */
export async function publish(
  files: MetadataStore,
  change: {
    readonly folder: string;
    readonly targets: ReadonlyMap<string, string>;
    readonly root?: string;
    readonly signers: PublicationSigners;
    readonly now: FleetInstant;
    /** Absent: those of production. */
    readonly tools?: TrustTools;
  },
): Promise<Result<PublishedState, MetadataError>> {
  const { folder, now, signers, tools = TRUST_TOOLS } = change;
  const former = await loadPublished(files, folder, tools);
  const written = new Map<string, string>();
  if (change.root !== undefined) {
    const root = tools.read.root(change.root);
    if (!root.ok) return err({ code: 'metadata-malformed', detail: `root: ${root.error}` });
    written.set(`${root.value.signed.version}.root.json`, change.root);
  }
  const changed = new Map<string, MetadataReference>();
  for (const [role, text] of change.targets) {
    const document = tools.read.targets(text);
    if (!document.ok) return err({ code: 'metadata-malformed', detail: `${role}: ${document.error}` });
    const { version } = document.value.signed;
    written.set(`${version}.${role}.json`, text);
    changed.set(`${role}.json`, referenceTo(text, version, metadataDigest));
  }
  const snapshot = nextSnapshot(former?.snapshot?.signed, { changed, now });
  const snapshotText = await signMetadata(snapshot, [signers.snapshot]);
  written.set(`${snapshot.version}.snapshot.json`, snapshotText);
  const reference = referenceTo(snapshotText, snapshot.version, metadataDigest);
  const timestamp = nextTimestamp(former?.timestamp?.signed, { snapshot: reference, now });
  written.set('timestamp.json', await signMetadata(timestamp, [signers.timestamp]));
  const accepted = await acceptedByClient(files, {
    folder,
    written,
    changed: new Set(change.targets.keys()),
    now,
    former,
    tools,
  });
  if (!accepted.ok) return accepted;
  // A Map keeps the order of insertion: the timestamp comes last.
  for (const [name, text] of written) await files.storeMetadata(`${folder}/${name}`, text);
  const published = await loadPublished(files, folder, tools);
  return published === undefined ? err({ code: 'metadata-missing', detail: 'There is no root' }) : ok(published);
}

/** What a device that trusts the former root and has seen the former state would make of it. */
async function acceptedByClient(
  files: MetadataStore,
  around: {
    readonly folder: string;
    readonly written: ReadonlyMap<string, string>;
    readonly now: FleetInstant;
    readonly changed: ReadonlySet<string>;
    readonly former: PublishedState | undefined;
    readonly tools: TrustTools;
  },
): Promise<Result<'accepted', MetadataError>> {
  const { folder, written, changed, former, now, tools } = around;
  const kept = new Map<string, string>();
  const pinnedRoot = former?.rootText ?? written.get('1.root.json');
  if (pinnedRoot === undefined) return err({ code: 'metadata-missing', detail: 'There is no root' });
  for (const name of ['timestamp.json', 'snapshot.json']) {
    const version = name === 'snapshot.json' ? `${former?.timestamp?.signed.snapshot.version}.` : '';
    const text = await files.loadMetadata(`${folder}/${version}${name}`);
    if (text !== undefined) kept.set(`${folder}/${name}`, text);
  }
  const repository = {
    folder,
    pinnedRoot,
    source: {
      fetchMetadata: async (name: string) =>
        ok(written.get(name.slice(folder.length + 1)) ?? (await files.loadMetadata(name))),
    },
    store: {
      loadMetadata: async (name: string) => kept.get(name),
      storeMetadata: async (name: string, text: string) => void kept.set(name, text),
    },
    context: trustContext(now, tools),
  };
  const refreshed = await refresh(repository);
  if (!refreshed.ok) return refreshed;
  let set = refreshed.value;
  const roles = [...(set.snapshot?.signed.meta.keys() ?? [])].map((name) => name.replace(/\.json$/, ''));
  for (const role of ['targets', ...roles.filter((name) => name !== 'targets')]) {
    const delegator = role === 'targets' ? 'root' : 'targets';
    const loaded = await loadRole(set, { role, delegator }, repository);
    // A model that its people have let lapse holds up its own devices, and nobody else's releases.
    const isLapsed = !loaded.ok && loaded.error.code === 'metadata-expired' && role !== 'targets';
    if (isLapsed && !changed.has(role)) continue;
    if (!loaded.ok) return loaded;
    set = loaded.value;
  }
  return ok('accepted');
}

async function needed(files: MetadataStore, name: string): Promise<string> {
  const text = await files.loadMetadata(name);
  if (text === undefined)
    throw new MetadataFault(`The file ${name} of the repository is gone; restore it from a backup`);
  return text;
}

function present<T>(read: Result<T, string>, name: string): T {
  if (read.ok) return read.value;
  throw new MetadataFault(`The file ${name} of the repository is damaged: ${read.error}; restore it from a backup`);
}

/** A published file is not what was published. */
export class MetadataFault extends Error {
  override readonly name = 'MetadataFault';
}
