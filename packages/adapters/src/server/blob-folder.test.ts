// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { blobsContract } from '@outrider/testkit/contracts/blobs';
import { openBlobFolder } from './blob-folder.ts';

const root = await mkdtemp(join(tmpdir(), 'outrider-blobs-'));
after(() => rm(root, { recursive: true }));

blobsContract('folder', async () => await openBlobFolder(await mkdtemp(join(root, 'case-'))));

test('what a killed server left half-written is gone after the next start', async () => {
  const folder = await mkdtemp(join(root, 'case-'));
  await openBlobFolder(folder);
  await writeFile(join(folder, 'arriving', 'half'), 'half a blob');
  await openBlobFolder(folder);
  assert.deepEqual(await readdir(join(folder, 'arriving')), []);
});

test('a refused upload leaves no file behind', async () => {
  const folder = await mkdtemp(join(root, 'case-'));
  const blobs = await openBlobFolder(folder);
  await blobs.put(twoPieces(), { bytesMax: 1 });
  assert.deepEqual(await readdir(join(folder, 'arriving')), []);
});

test('an upload that breaks off is told to its caller and leaves no file behind', async () => {
  const folder = await mkdtemp(join(root, 'case-'));
  const blobs = await openBlobFolder(folder);
  await assert.rejects(blobs.put(breakingOff(), { bytesMax: 100 }), /the line went dead/);
  assert.deepEqual(await readdir(join(folder, 'arriving')), []);
});

async function* twoPieces() {
  yield new Uint8Array(1);
  yield new Uint8Array(1);
}

async function* breakingOff() {
  yield new Uint8Array(1);
  throw new Error('the line went dead');
}
