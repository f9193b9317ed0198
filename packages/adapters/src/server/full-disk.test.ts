// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createSmallDisk } from '@outrider/testkit/small-disk';
import { isDiskFull, writeFileDurably } from '../shared/files.ts';
import { openBlobFolder } from './blob-folder.ts';

const disk = await createSmallDisk(1_048_576);
after(() => disk.remove());

const blobs = await openBlobFolder(join(disk.folder, 'blobs'));
const LIMIT = { bytesMax: 4_194_304 };

test('a blob for which there is no room is refused by name, leaves nothing behind, and is taken once there is room', async () => {
  const early = await blobs.put(pieces(10), LIMIT);
  assert.ok(early.ok);
  await disk.fill();
  const refused = await blobs.put(pieces(300), LIMIT);
  assert.deepEqual(refused.ok ? undefined : refused.error.code, 'storage-full');
  assert.deepEqual(await readdir(join(disk.folder, 'blobs', 'arriving')), []);
  assert.equal(await bytesOf(early.value.digest), 10_240, 'what is stored is still read');
  await disk.free();
  const taken = await blobs.put(pieces(300), LIMIT);
  assert.ok(taken.ok);
  assert.equal(await bytesOf(taken.value.digest), 307_200);
});

test('a blob that fills the disk while it comes is refused too, and gives its room back', async () => {
  const refused = await blobs.put(pieces(2_000), { bytesMax: 1_500_000 });
  const code = refused.ok ? undefined : refused.error.code;
  // Where only this process is limited the disk is large: the upload then ends at its own limit.
  assert.ok(code === 'storage-full' || code === 'blob-too-long', String(code));
  assert.deepEqual(await readdir(join(disk.folder, 'blobs', 'arriving')), []);
  assert.ok((await blobs.put(pieces(1), LIMIT)).ok);
});

test('a small file that cannot be written anew keeps its former content, and nothing lies beside it', async () => {
  const folder = join(disk.folder, 'blobs');
  const path = join(folder, 'secret');
  await writeFileDurably(path, 'former');
  await disk.fill();
  await assert.rejects(writeFileDurably(path, 'x'.repeat(10_000)), isDiskFull);
  assert.equal(await readFile(path, 'utf8'), 'former');
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('.')),
    [],
  );
  await disk.free();
  await writeFileDurably(path, 'newer');
  assert.equal(await readFile(path, 'utf8'), 'newer');
});

async function bytesOf(digest: string): Promise<number> {
  let bytes = 0;
  for await (const chunk of blobs.read(digest)) bytes += chunk.byteLength;
  return bytes;
}

/** Kibibytes that differ by their count. */
async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield new Uint8Array(1_024).fill(count % 251);
}
