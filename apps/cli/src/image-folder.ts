// SPDX-License-Identifier: Apache-2.0
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '@outrider/adapters/shared/files';
import { packImage } from '@outrider/adapters/shared/image';
import { listBlocks } from '@outrider/delta/block-list';
import type { Image } from '@outrider/domain/release/release';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { record } from '@outrider/protocol/kernel/reader';
import { bytes, sha256 } from '@outrider/protocol/kernel/values';
import { CommandFailure } from './failure.ts';
import { fileFailure, pathOf, readDocument } from './files.ts';
import type { World } from './world.ts';

/**
 * A folder of build results by digest: `<digest>` the image, `<blocksDigest>` its block list, `<digest>.image.json` the
 * description that manifests quote. Packing the same files again changes nothing.
 */
export async function packInto(world: World, source: string, folder: string): Promise<Image> {
  const packed = await packImage(pathOf(world, source));
  if (!packed.ok) {
    const exit = packed.error.code === 'folder-missing' ? 'not-found' : 'usage';
    throw new CommandFailure(exit, packed.error.detail, { code: packed.error.code });
  }
  const target = pathOf(world, folder);
  try {
    await mkdir(target, { recursive: true });
    const work = await mkdtemp(join(target, '.pack-'));
    try {
      return await settle(packed.value, target, work);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (cause) {
    throw fileFailure(cause, 'image', folder, 'written');
  }
}

/** Written in a folder of its own first: only whole files ever stand under their digest. */
async function settle(chunks: AsyncIterable<Uint8Array>, target: string, work: string): Promise<Image> {
  const path = join(work, 'image');
  await pipeline(Readable.from(chunks, { objectMode: false }), createWriteStream(path));
  const { image, blocks } = await listBlocks(createReadStream(path));
  await writeFile(join(work, 'blocks'), blocks);
  await writeFile(join(work, 'description'), `${encodeJson(image)}\n`);
  await rename(path, join(target, image.digest));
  await rename(join(work, 'blocks'), join(target, image.blocksDigest));
  await rename(join(work, 'description'), descriptionPath(target, image.digest));
  return image;
}

/** The description of a packed image. */
export function readImage(world: World, folder: string, digest: string): Promise<Image> {
  const path = descriptionPath(folder, digest);
  return readDocument(world, { noun: 'image description', path }, (text) =>
    parseText(text, { noun: 'image', bytesMax: REQUEST_BYTES_MAX, reader: image }),
  );
}

/** A blob of the folder, ready to be sent; undefined when it is not there. */
export async function openBlob(
  world: World,
  folder: string,
  digest: string,
): Promise<{ readonly length: number; readonly stream: () => ReadableStream<Uint8Array> } | undefined> {
  const path = join(pathOf(world, folder), digest);
  try {
    const { size } = await stat(path);
    // Node's and the global stream types describe the same object at run time.
    return { length: size, stream: () => Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array> };
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw fileFailure(cause, 'blob', path, 'read');
  }
}

function descriptionPath(folder: string, digest: string): string {
  return join(folder, `${digest}.image.json`);
}

const image = record<Image>({ digest: sha256, bytes, blockBytes: bytes, blocksDigest: sha256 });
