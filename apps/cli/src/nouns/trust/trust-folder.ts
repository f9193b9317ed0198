// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import {
  exists,
  isDiskFull,
  readTextIfPresent,
  removeDurably,
  writeFileDurably,
} from '@outrider/adapters/shared/files';
import { loadKeyFrom, makeKeyAt } from '@outrider/adapters/shared/key-on-disk';
import { metadataKey, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import {
  loadPublished,
  metadataFolder,
  newestRoot,
  type PublicationSigners,
  type PublishedState,
  publish,
  REPOSITORY_FOLDER,
} from '@outrider/adapters/shared/metadata-repository';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { NamedKey } from '@outrider/domain/trust/tuf/ceremony';
import type { MetadataError } from '@outrider/domain/trust/tuf/errors';
import type { RootMetadata, SignedMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner, MetadataStore } from '@outrider/domain/trust/tuf/ports';
import { CommandFailure } from '../../failure.ts';
import { readDocument } from '../../files.ts';
import { parsePublicKeyFile } from '../../key-files.ts';
import type { World } from '../../world.ts';

/** Keys that are at the server; the director's signs permits too. */
export type OnlineName = 'snapshot' | 'timestamp' | 'permit';

/** A published installation: both repositories and the keys at the server. */
export interface TrustFolder {
  readonly files: MetadataStore;
  readonly image: PublishedState;
  readonly director: { readonly text: string; readonly document: SignedMetadata<RootMetadata> };
  readonly online: PublicationSigners & { readonly director: MetadataSigner };
}

/** The documents of a data folder. */
export function trustFiles(folder: string): MetadataStore {
  return metadataFolder(join(folder, REPOSITORY_FOLDER));
}

/** Both repositories of a data folder. Fails where there are none. */
export async function openTrust(folder: string): Promise<TrustFolder> {
  const files = trustFiles(folder);
  const [image, director] = [await loadPublished(files, 'image'), await newestRoot(files, 'director')];
  if (image === undefined || director === undefined) {
    const message = `There are no repositories in ${folder}; found them with \`outrider trust init\`, or name the data folder of the server with --data`;
    throw new CommandFailure('not-found', message, { code: 'trust-missing' });
  }
  const online = {
    snapshot: await onlineKey(folder, 'snapshot'),
    timestamp: await onlineKey(folder, 'timestamp'),
    director: await onlineKey(folder, 'permit'),
  };
  return { files, image, director, online };
}

/** A key of the server; made when it is missing and `isMaking`. */
export async function onlineKey(folder: string, name: string, isMaking = false): Promise<MetadataSigner> {
  const path = join(folder, `${name}-key.json`);
  const stored = await loadKeyFrom(path);
  if (!stored.ok) {
    const message = `The key file ${path} ${stored.error}; restore it from a backup, or remove it and replace it with \`outrider trust rotate\``;
    throw new CommandFailure('usage', message, { code: 'key-missing' });
  }
  if (stored.value !== undefined) return metadataSigner(stored.value);
  if (isMaking) return metadataSigner(await makeKeyAt(path, name.replace(/\.next$/, '')));
  const message = `The key ${path} of the server is gone; restore it from a backup, or replace it with \`outrider trust rotate\``;
  throw new CommandFailure('not-found', message, { code: 'key-missing' });
}

/** Puts the next key of the server in the place of the former. */
export async function settleNextKey(folder: string, name: OnlineName): Promise<void> {
  const next = join(folder, `${name}.next-key.json`);
  const text = await readTextIfPresent(next);
  if (text === undefined) return;
  await writeFileDurably(join(folder, `${name}-key.json`), text, 0o600);
  if (await exists(next)) await removeDurably(next);
}

/** Public halves of key files, with their groups; those of people of the root may be of either kind, `parseAnyPublicKeyFile`. */
export async function namedKeys(
  world: World,
  paths: readonly string[],
  parse: typeof parsePublicKeyFile = parsePublicKeyFile,
): Promise<readonly NamedKey[]> {
  const keys: NamedKey[] = [];
  for (const path of paths) {
    const { keyId, group, ...key } = await readDocument(world, { noun: 'key file', path }, parse);
    keys.push({ keyId, key: metadataKey(key), group });
  }
  return keys;
}

/** Publishes and says in one sentence what stood in the way; what was served before stays served then. */
export async function published(
  files: MetadataStore,
  change: {
    readonly targets?: ReadonlyMap<string, string>;
    readonly root?: string;
    readonly signers: PublicationSigners;
    readonly now: FleetInstant;
  },
): Promise<void> {
  await namingFullDisk(async () => {
    accepted(await publish(files, { folder: 'image', targets: new Map(), ...change }));
  });
}

/** A full disk in the middle of a ceremony has a sentence of its own. */
export async function namingFullDisk(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    const message =
      'The disk is full: nothing was published, and the former metadata stays served; make room and run the command again';
    throw new CommandFailure('failed', message, { code: 'disk-full', cause });
  }
}

const WHAT_TO_DO: Readonly<Record<string, string>> = {
  'metadata-unsigned': '; name more keys with --signer, or hand a draft on with --out',
  'threshold-out-of-reach': '; `outrider trust rotate` with --remove and --add replaces a key in one go',
};

/** The value, or the failure in the words of the command line. */
export function accepted<T>(result: Result<T, MetadataError | { readonly code: string; readonly detail: string }>): T {
  if (result.ok) return result.value;
  const { code, detail } = result.error;
  const whatToDo = WHAT_TO_DO[code] ?? '';
  throw new CommandFailure('refused', `Nothing was published, ${code}: ${detail}${whatToDo}`, { code });
}
