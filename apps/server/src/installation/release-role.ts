// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readTextIfPresent } from '@outrider/adapters/shared/files';
import { approverRoleOf } from '@outrider/adapters/shared/metadata-keys';
import {
  MetadataFault,
  metadataFolder,
  newestRoot,
  REPOSITORY_FOLDER,
} from '@outrider/adapters/shared/metadata-repository';
import type { SigningRole } from '@outrider/domain/trust/role';
import type { MetadataStore } from '@outrider/domain/trust/tuf/ports';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseSigningRole } from '@outrider/protocol/trust/anchors';
import { StartError } from '../exit-codes.ts';
import type { Log } from '../ports.ts';
import type { Flags } from './flags.ts';

/**
 * Who must sign releases, from the file. It may be put there while the server runs; once read, it holds until the next
 * start, so that what devices have pinned and what the server asks for do not drift apart unseen.
 */
export async function releaseRoleSource(flags: Flags, log: Log): Promise<() => Promise<SigningRole | undefined>> {
  const { releaseRoleFile: path, isReleaseRoleNamed } = flags;
  let role = await readRole(path);
  if (role === undefined && isReleaseRoleNamed) {
    throw new StartError('file-malformed', `There is no release role at ${path}; make it with \`outrider key role\``);
  }
  return async () => {
    if (role !== undefined) return role;
    try {
      role = await readRole(path);
    } catch (cause) {
      if (!(cause instanceof StartError)) throw cause;
      log.error({ stage: 'release', code: 'role-unusable' }, cause.message);
    }
    return role;
  };
}

/**
 * Who approves what the rule would not do by itself: whom the director's root names, which devices follow too, and else
 * `approver-role.json` in the data folder. Looked at each time: an approver who has left must not sign until the next start.
 */
export function approverRoleSource(dataFolder: string, log: Log): () => Promise<SigningRole | undefined> {
  const path = join(dataFolder, 'approver-role.json');
  const loadByRoot = approversByRoot(metadataFolder(join(dataFolder, REPOSITORY_FOLDER)));
  return async () => {
    try {
      return (await loadByRoot()) ?? (await readRole(path, 'approver role'));
    } catch (cause) {
      if (cause instanceof MetadataFault) {
        log.error({ stage: 'policy', code: 'role-unusable' }, cause.message);
        return NOBODY_SIGNS;
      }
      if (!(cause instanceof StartError)) throw cause;
      log.error({ stage: 'policy', code: 'role-unusable' }, cause.message);
      // Not nobody: an installation whose role was damaged must not run without charters.
      return NOBODY_SIGNS;
    }
  };
}

/** A root never changes once it is there: only whether a next one came is looked at. The same value while none did. */
function approversByRoot(files: MetadataStore): () => Promise<SigningRole | undefined> {
  let known: { readonly version: number; readonly role: SigningRole | undefined } = { version: 0, role: undefined };
  return async () => {
    const next = await newestRoot(files, 'director', { after: known.version });
    if (next === undefined) return known.role;
    const { signed } = next.document;
    known = { version: signed.version, role: approverRoleOf(signed) };
    return known.role;
  };
}

/** A role that no document can meet. */
const NOBODY_SIGNS: SigningRole = { threshold: 1, groups: [] };

async function readRole(path: string, noun = 'release role'): Promise<SigningRole | undefined> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  const parsed = parseSigningRole(text);
  if (parsed.ok) return parsed.value;
  const detail = `The ${noun} ${path} is malformed: ${describeParseError(parsed.error)}; make it anew`;
  throw new StartError('file-malformed', detail);
}
