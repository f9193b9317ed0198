// SPDX-License-Identifier: Apache-2.0
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
  order: InstallOrder,
): Promise<Result<'installed', StorageError>> {
  const { slot, component, image, artifact } = order;
  const blocks = await ifPresent(readFile(join(folders.staging, image.blocksDigest)));
  if (blocks === undefined) return missing('block list');
  const digest = artifact.kind === 'full' ? artifact.digest : artifact.delta.digest;
  const source = await ifPresent(open(join(folders.staging, digest), 'r'));
  if (source === undefined) return missing('artifact');
  try {
    const chunks = await imageChunks(folders, order, source.createReadStream({ autoClose: false }));
    if (!chunks.ok) return chunks;
    const path = imagePath(folders, slot, component);
    await rm(path, { force: true });
    await writeBlocks(`${path}.new`, checkBlocks(chunks.value, image, blocks));
    await rename(`${path}.new`, path);
    await syncFolder(folders.slots[slot]);
    return ok('installed');
  } catch (cause) {
    if (cause instanceof DeltaError) return err(storageErrorOf(cause));
    throw cause;
  } finally {
    await source.close();
  }
}

/** The image as a stream: the artifact itself, or what a delta makes of the other slot. */
async function imageChunks(
  folders: DeviceFolders,
  { slot, component, image, artifact }: InstallOrder,
  source: AsyncIterable<Uint8Array>,
): Promise<Result<AsyncIterable<Uint8Array>, StorageError>> {
  if (artifact.kind === 'full') return ok(source);
  const base = await ifPresent(readFile(imagePath(folders, otherSlot(slot), component)));
  // The base is hashed as it was read: what the delta is applied to is what was checked.
  if (base !== undefined && digestBytes(base) === artifact.delta.fromDigest) {
    return ok(applyDelta(source, base, image.bytes));
  }
  const detail = `Component ${component} of the running slot is not ${artifact.delta.fromDigest}`;
  return err({ code: 'base-mismatch', detail });
}

async function writeBlocks(path: string, blocks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w');
  try {
    for await (const block of blocks) await file.writeFile(block);
    await file.sync();
  } finally {
    await file.close();
  }
}

function missing(what: string): Result<never, StorageError> {
  return err({ code: 'digest-mismatch', detail: `The ${what} is not in the staging area` });
}

function storageErrorOf({ code, message }: DeltaError): StorageError {
  if (code === 'delta-corrupt' || code === 'too-long') return { code, detail: message };
  return { code: 'digest-mismatch', detail: message };
}

async function ifPresent<T>(opening: Promise<T>): Promise<T | undefined> {
  try {
    return await opening;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
