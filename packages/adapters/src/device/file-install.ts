// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { applyDelta } from '@outrider/delta/apply';
import { checkBlocks } from '@outrider/delta/check-blocks';
import { DeltaError } from '@outrider/delta/errors';
import type { InstallOrder, StorageError } from '@outrider/domain/device/ports';
import { otherSlot } from '@outrider/domain/device/state';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { digestBytes } from '../shared/digest.ts';
import { errorCode, syncFolder } from '../shared/files.ts';
import { type DeviceFolders, imagePath } from './device-folders.ts';

/**
 * Writes one image into a slot, block by block, each checked before it is written. The former image of that slot goes first:
 * a device has room for two, not three. A cut leaves a half-written file of another name, which the next try replaces.
 */
export async function installImage(
  folders: DeviceFolders,
  { slot, component, image, artifact }: InstallOrder,
): Promise<Result<'installed', StorageError>> {
  const blocks = await readIfPresent(join(folders.staging, image.blocksDigest));
  if (blocks === undefined) return missing('block list');
  const source = createReadStream(
    join(folders.staging, artifact.kind === 'full' ? artifact.digest : artifact.delta.digest),
  );
  let chunks: AsyncIterable<Uint8Array> = source;
  if (artifact.kind === 'delta') {
    const base = await readIfPresent(imagePath(folders, otherSlot(slot), component));
    // The base is hashed as it was read: what the delta is applied to is what was checked.
    if (base === undefined || digestBytes(base) !== artifact.delta.fromDigest) {
      source.destroy();
      const detail = `Component ${component} of the running slot is not ${artifact.delta.fromDigest}`;
      return err({ code: 'base-mismatch', detail });
    }
    chunks = applyDelta(source, base, image.bytes);
  }
  const path = imagePath(folders, slot, component);
  await rm(path, { force: true });
  const file = await open(`${path}.new`, 'w');
  try {
    for await (const block of checkBlocks(chunks, image, blocks)) await file.writeFile(block);
    await file.sync();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return missing('artifact');
    if (cause instanceof DeltaError) return err(storageErrorOf(cause));
    throw cause;
  } finally {
    source.destroy();
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folders.slots[slot]);
  return ok('installed');
}

function missing(what: string): Result<never, StorageError> {
  return err({ code: 'digest-mismatch', detail: `The ${what} is not in the staging area` });
}

function storageErrorOf({ code, message }: DeltaError): StorageError {
  if (code === 'delta-corrupt' || code === 'too-long') return { code, detail: message };
  return { code: 'digest-mismatch', detail: message };
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
