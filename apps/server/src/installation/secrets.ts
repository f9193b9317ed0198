// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { digestText } from '@outrider/adapters/shared/digest';
import { readTextIfPresent, writeFileDurably } from '@outrider/adapters/shared/files';
import { loadKeyFrom, makeKeyAt } from '@outrider/adapters/shared/key-on-disk';
import { metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { Signer } from '@outrider/domain/trust/ports';
import { StartError } from '../exit-codes.ts';
import type { OnlineKeys } from '../ports.ts';
import { inForceSetting } from '../trust/audit-start.ts';

/** Only the owner may read what proves who one is. */
export const SECRET_MODE = 0o600;

/** Shorter tokens could be guessed over the network. */
const TOKEN_CHARACTERS_MIN = 16;

/** Where the secrets of an installation lie, and whether this server makes those that are missing. */
export interface SecretsPlace {
  readonly folder: string;
  /** False for a gateway: a key of its own would be no key of this installation. */
  readonly isMaking: boolean;
}

/** The digest of the token in a file of the folder; the file is made, with a random token, when it is missing. */
export async function settleToken({ folder, isMaking }: SecretsPlace, fileName: string): Promise<Sha256> {
  const path = join(folder, fileName);
  const stored = await readTextIfPresent(path);
  if (stored === undefined) {
    if (!isMaking) throw missing(path);
    const token = randomSecret();
    await writeFileDurably(path, `${token}\n`, SECRET_MODE);
    return digestText(token);
  }
  const token = stored.trim();
  if (token.length < TOKEN_CHARACTERS_MIN) {
    const detail = `The token in ${path} has ${token.length} characters, at least ${TOKEN_CHARACTERS_MIN} are needed`;
    throw new StartError('file-malformed', `${detail}; remove the file and a new token is made`);
  }
  return digestText(token);
}

/** The online key that signs permits: devices pin it when they register, so it must outlive the process. */
export function settlePermitKey(place: SecretsPlace): Promise<Signer> {
  return settleKey(place, 'permit');
}

/** What the server signs metadata with; undefined before `outrider trust init` has made the keys. Throws StartError. */
export async function loadOnlineKeys(folder: string): Promise<OnlineKeys | undefined> {
  const names = ['snapshot', 'timestamp', 'permit'] as const;
  const texts = await Promise.all(names.map((name) => readTextIfPresent(join(folder, `${name}-key.json`))));
  if (texts.includes(undefined)) return undefined;
  const [snapshot, timestamp, permit] = await Promise.all(
    names.map((name) => settleKey({ folder, isMaking: false }, name)),
  );
  if (snapshot === undefined || timestamp === undefined || permit === undefined) return undefined;
  return {
    snapshot: metadataSigner(snapshot),
    timestamp: metadataSigner(timestamp),
    director: metadataSigner(permit),
  };
}

async function settleKey(
  { folder, isMaking }: SecretsPlace,
  name: 'permit' | 'snapshot' | 'timestamp',
): Promise<Signer> {
  const path = join(folder, `${name}-key.json`);
  const stored = await loadKeyFrom(path);
  if (!stored.ok) {
    throw new StartError('file-malformed', `The key file ${path} ${stored.error}; restore it from a backup`);
  }
  if (stored.value !== undefined) return stored.value;
  if (!isMaking) throw missing(path);
  return makeKeyAt(path, name);
}

function missing(path: string): StartError {
  const detail = `There is no ${path}, and a gateway makes no secrets; start the control plane once, and give the gateway its secrets with --secrets`;
  return new StartError('file-malformed', detail);
}

/** Devices have pinned the permit key: a gateway with another one would give out what no device takes. Throws StartError. */
export async function refuseForeignSecrets(
  installation: InstallationSettings,
  own: Readonly<Record<'permit-key' | 'registration-token', string>>,
): Promise<void> {
  for (const [subject, digest] of Object.entries(own)) {
    const inForce = await installation.loadSetting(inForceSetting(subject));
    if (inForce === undefined || inForce === digest) continue;
    const detail = `The ${subject} of this gateway is not the one of the installation in the database (${digest.slice(0, 8)}, there ${inForce.slice(0, 8)}); give it the secrets of its control plane with --secrets`;
    throw new StartError('file-malformed', detail);
  }
}

/** A name of this server that it keeps over restarts. */
export async function settleInstanceId(dataFolder: string): Promise<string> {
  const path = join(dataFolder, 'instance-id');
  const stored = (await readTextIfPresent(path))?.trim();
  if (stored !== undefined && /^[\w-]{8,64}$/.test(stored)) return stored;
  const made = randomSecret().slice(0, 16);
  await writeFileDurably(path, `${made}\n`);
  return made;
}
