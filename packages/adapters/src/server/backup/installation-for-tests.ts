// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSeed, signerFromSeed } from '../../shared/ed25519.ts';
import { openBlobFolder } from '../blob-folder.ts';

/** The texts whose digests `fillStore` names as images, block lists and deltas. */
export const NAMED_BLOBS = ['1.0.0', 'blocks of 1.0.0', '2.0.0', 'blocks of 2.0.0', '1.0.0 to 2.0.0'] as const;

/** A blob that was uploaded and that no release names. */
export const UNNAMED_BLOB = 'nobody asked for this';

/** The files of a data folder, as a server makes them. */
export async function makeDataFolder(dataFolder: string): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  const seed = createSeed();
  const { publicKey } = signerFromSeed(seed);
  const key = { schema: 1, group: 'permit', privateKey: Buffer.from(seed).toString('base64'), ...publicKey };
  await writeFile(join(dataFolder, 'permit-key.json'), `${JSON.stringify(key)}\n`, { mode: 0o600 });
  await writeFile(join(dataFolder, 'registration-token'), `${'a1'.repeat(32)}\n`, { mode: 0o600 });
  await writeFile(join(dataFolder, 'admin-token'), `${'b2'.repeat(32)}\n`, { mode: 0o600 });
  await writeFile(join(dataFolder, 'approver-role.json'), '{"groups":[],"schema":1,"threshold":2}\n');
  await mkdir(join(dataFolder, 'repository'));
  await writeFile(join(dataFolder, 'repository', 'hand-over.json'), '{"payload":""}\n');
  const blobs = await openBlobFolder(join(dataFolder, 'blobs'));
  for (const text of [...NAMED_BLOBS, UNNAMED_BLOB]) await blobs.put(once(text), { bytesMax: 1_000 });
}

/** Where the blob of this text lies. */
export function blobPath(dataFolder: string, text: string): string {
  const digest = hash('sha256', text, 'hex');
  return join(dataFolder, 'blobs', digest.slice(0, 2), digest);
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
