// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type NotedFault, openFaultFolder } from './fault-folder.ts';

const root = await mkdtemp(join(tmpdir(), 'outrider-faults-'));
after(() => rm(root, { recursive: true }));

test('notes are handed over oldest first, each removed once it is durable; what is no note is left alone', async () => {
  const { data, folder } = await newFolder('order');
  await note(folder, 'sensor-fault-lens', { at: 2_000, text: 'no lens' });
  await note(folder, 'crash-b', { at: 1_000, text: `${'x'.repeat(5_000)} stack` });
  await note(folder, '.crash-unfinished', { at: 500, text: 'half' });
  await mkdir(join(folder, 'crash-folder'));
  const seen: NotedFault[] = [];
  const faults = await openFaultFolder(data);
  assert.equal(await faults.takeAll(async (fault) => void seen.push(fault)), 2);
  assert.deepEqual(
    seen.map(({ event, at }) => [event, at]),
    [
      ['crash', 1_000_000],
      ['sensor-fault', 2_000_000],
    ],
  );
  assert.match(seen[0]?.detail ?? '', /^x+ stack$/);
  assert.equal(seen[0]?.detail.length, 2_048, 'the tail of the log is told');
  assert.deepEqual((await readdir(folder)).sort(), ['.crash-unfinished', 'crash-folder']);
});

test('a note that could not be made durable stays for the next round', async () => {
  const { data, folder } = await newFolder('failing');
  await note(folder, 'crash-1', { at: 1_000, text: '' });
  const faults = await openFaultFolder(data);
  await assert.rejects(
    faults.takeAll(() => Promise.reject(new Error('disk full'))),
    /disk full/,
  );
  assert.equal(await faults.takeAll(async () => {}), 1);
  assert.equal(await faults.takeAll(async () => {}), 0);
});

async function newFolder(name: string): Promise<{ readonly data: string; readonly folder: string }> {
  const data = join(root, name);
  await openFaultFolder(data);
  return { data, folder: join(data, 'faults') };
}

async function note(folder: string, name: string, { at, text }: { readonly at: number; readonly text: string }) {
  await writeFile(join(folder, name), text);
  await utimes(join(folder, name), at, at);
}
