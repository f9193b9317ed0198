// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComponentDigest, SlotName, Storage, StorageError } from '@outrider/domain/device/ports';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { digestStream } from '../shared/digest.ts';
import {
  createFolder,
  errorCode,
  isDiskFull,
  readTextIfPresent,
  removeDurably,
  syncFolder,
  writeFileDurably,
} from '../shared/files.ts';
import { metadataFolder } from '../shared/metadata-repository.ts';
import { type DeviceFolders, deviceFolders, IMAGE_SUFFIX, imagePath } from './device-folders.ts';
import { installImage } from './file-install.ts';

/**
 * A device's storage in a folder. What it says is durable was synced, file and folder; what is replaced is replaced by
 * rename; a staged blob that was cut goes on from the bytes that are there. Makes the folders it needs.
 */
export async function openFileStorage(folder: string): Promise<Storage> {
  const folders = deviceFolders(folder);
  for (const one of [folders.staging, folders.slots.a, folders.slots.b]) await createFolder(one);
  return {
    ...metadataFolder(folders.trust),
    loadJournal: () => readTextIfPresent(folders.journal),
    storeJournal: (text) => writeFileDurably(folders.journal, text),
    stagedBytes: (digest) => sizeOf(join(folders.staging, digest)),
    stage: (digest, chunks, bytesMax) => caught(() => stage(folders, { digest, chunks, bytesMax })),
    async verifyStaged(digest) {
      const path = join(folders.staging, digest);
      const isRight = (await digestOf(path)) === digest;
      if (!isRight) await removeDurably(path);
      return isRight;
    },
    install: (order) => caught(() => installImage(folders, order)),
    verifySlot: (slot) => verifySlot(folders, slot),
    async discardStaged() {
      for (const name of await readdir(folders.staging)) await rm(join(folders.staging, name), { force: true });
      await syncFolder(folders.staging);
    },
  };
}

/** Puts a factory image into slot a, as the maker of a device does; answers its digest. */
export async function provisionImage(
  folder: string,
  component: string,
  image: AsyncIterable<Uint8Array>,
): Promise<Sha256> {
  const folders = deviceFolders(folder);
  await createFolder(folders.slots.a);
  const path = imagePath(folders, 'a', component);
  const file = await open(`${path}.new`, 'w');
  try {
    for await (const chunk of image) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folders.slots.a);
  const { digest } = await digestStream(createReadStream(path));
  return digest;
}

async function stage(
  folders: DeviceFolders,
  { digest, chunks, bytesMax }: { digest: Sha256; chunks: AsyncIterable<Uint8Array>; bytesMax: Bytes },
): Promise<Result<number, StorageError>> {
  const path = join(folders.staging, digest);
  let bytes = await sizeOf(path);
  const file = await open(path, 'a');
  try {
    for await (const chunk of chunks) {
      if (bytes + chunk.byteLength > bytesMax) {
        return err({ code: 'too-long', detail: `The blob goes on after the ${bytesMax} bytes that were promised` });
      }
      await file.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    return ok(bytes);
  } finally {
    // Also when the source broke off: what came is kept, and fetched no second time.
    await file.sync();
    await file.close();
    await syncFolder(folders.staging);
  }
}

async function verifySlot(folders: DeviceFolders, slot: SlotName): Promise<readonly ComponentDigest[]> {
  const names = (await readdir(folders.slots[slot])).filter((name) => name.endsWith(IMAGE_SUFFIX)).sort();
  const found: ComponentDigest[] = [];
  for (const name of names) {
    const digest = await digestOf(join(folders.slots[slot], name));
    if (digest !== undefined) found.push({ name: name.slice(0, -IMAGE_SUFFIX.length), digest });
  }
  return found;
}

async function digestOf(path: string): Promise<Sha256 | undefined> {
  try {
    return (await digestStream(createReadStream(path))).digest;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return 0;
    throw cause;
  }
}

/** What the disk throws becomes a named error here, once; faults of the source pass through. */
async function caught<T>(work: () => Promise<Result<T, StorageError>>): Promise<Result<T, StorageError>> {
  try {
    return await work();
  } catch (cause) {
    const code = errorCode(cause);
    const detail = cause instanceof Error ? cause.message : String(cause);
    if (isDiskFull(cause)) return err({ code: 'disk-full', detail });
    if (code === 'EIO' || code === 'EROFS' || code === 'EACCES') return err({ code: 'disk-failed', detail });
    throw cause;
  }
}
