// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createFolder, readTextIfPresent, removeDurably, writeFileDurably } from './files.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-files-'));
after(() => rm(folder, { recursive: true, force: true }));

test('a file is replaced as a whole and leaves nothing beside it', async () => {
  const place = join(folder, 'deep', 'er');
  await createFolder(place);
  const path = join(place, 'journal');
  assert.equal(await readTextIfPresent(path), undefined);
  await writeFileDurably(path, 'one', 0o600);
  await writeFileDurably(path, 'two', 0o600);
  assert.equal(await readTextIfPresent(path), 'two');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(place), ['journal']);
  await removeDurably(path);
  await removeDurably(path);
  assert.deepEqual(await readdir(place), []);
});
