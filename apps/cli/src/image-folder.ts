// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '@outrider/adapters/shared/files';
import { packImage } from '@outrider/adapters/shared/image';
import { listBlocks } from '@outrider/delta/block-list';
import { parseId } from '@outrider/domain/kernel/ids';
import type { ComponentFile, Image } from '@outrider/domain/release/release';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { optional, record } from '@outrider/protocol/kernel/reader';
import { bytes, sha256 } from '@outrider/protocol/kernel/values';
import { componentFile } from '@outrider/protocol/release/manifest';
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
  return await packChunks(world, folder, { chunks: packed.value });
}

/** What is packed, and what is known of it once all of it has passed by. */
interface Packing {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly fileOf?: () => { readonly file: ComponentFile };
}

async function packChunks(world: World, folder: string, packing: Packing): Promise<PackedImage> {
  const target = pathOf(world, folder);
  try {
    await mkdir(target, { recursive: true });
    const work = await mkdtemp(join(target, '.pack-'));
    try {
      return await settle(packing, target, work);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (cause) {
    throw fileFailure(cause, 'image', folder, 'written');
  }
}

/** An image as it is described in the folder: for a file also what clients that download files must know. */
export interface PackedImage extends Image {
  readonly file?: ComponentFile;
}

/**
 * Puts a single file there as it is, for clients that bring their own format, such as a `.swu`. Its name is what they see.
 */
export async function packFileInto(world: World, source: string, folder: string): Promise<PackedImage> {
  const name = basename(source);
  if (!parseId('file name', name).ok) {
    const allowed = 'letters, digits and . _ : @ + -, at most 128, the first a letter or digit';
    throw new CommandFailure('usage', `The file is called ${name}; a client would need other characters: ${allowed}`);
  }
  const path = pathOf(world, source);
  const [md5, sha1] = [createHash('md5'), createHash('sha1')];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
      md5.update(chunk);
      sha1.update(chunk);
      yield chunk;
    }
  }
  const bytes = await stat(path).catch((cause: unknown) => {
    throw fileFailure(cause, 'file', source, 'read');
  });
  if (bytes.size === 0) throw new CommandFailure('usage', `The file ${source} is empty; give one with something in it`);
  const fileOf = () => ({ file: { name, md5: md5.digest('hex'), sha1: sha1.digest('hex') } });
  return await packChunks(world, folder, { chunks: chunks(), fileOf });
}

/** Written in a folder of its own first: only whole files ever stand under their digest. */
async function settle({ chunks, fileOf }: Packing, target: string, work: string): Promise<PackedImage> {
  const path = join(work, 'image');
  await pipeline(Readable.from(chunks, { objectMode: false }), createWriteStream(path));
  const { image: listed, blocks } = await listBlocks(createReadStream(path));
  const image: PackedImage = { ...listed, ...fileOf?.() };
  await writeFile(join(work, 'blocks'), blocks);
  await writeFile(join(work, 'description'), `${encodeJson(image)}\n`);
  await rename(path, join(target, image.digest));
  await rename(join(work, 'blocks'), join(target, image.blocksDigest));
  await rename(join(work, 'description'), descriptionPath(target, image.digest));
  return image;
}

/** The description of a packed image. */
export function readImage(world: World, folder: string, digest: string): Promise<PackedImage> {
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

const image = record<PackedImage>({
  digest: sha256,
  bytes,
  blockBytes: bytes,
  blocksDigest: sha256,
  file: optional(componentFile),
});
