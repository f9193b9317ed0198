// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lockFolder } from './folder-lock.ts';

const root = await mkdtemp(join(tmpdir(), 'outrider-lock-'));
after(() => rm(root, { recursive: true }));

test('a folder has one agent, and the lock leaves nothing else beside it', async () => {
  const folder = await mkdtemp(join(root, 'device-'));
  assert.ok((await lockFolder(folder)).ok);
  const second = await lockFolder(folder);
  assert.equal(second.ok ? undefined : second.error.code, 'folder-in-use');
  assert.deepEqual(await readdir(folder), ['agent.lock']);
});

test('a lock from before a reboot holds nothing, even where its process id is alive again', async () => {
  const folder = await mkdtemp(join(root, 'device-'));
  for (const former of [`${process.ppid} 1 another boot`, '999999999 1 another boot', 'torn by a cut of power', '']) {
    await writeFile(join(folder, 'agent.lock'), former);
    assert.ok((await lockFolder(folder)).ok, former);
    assert.match(await readFile(join(folder, 'agent.lock'), 'utf8'), new RegExp(`^${process.pid} `));
  }
});
