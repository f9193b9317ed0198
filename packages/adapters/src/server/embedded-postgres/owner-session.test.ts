// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createSmallDisk } from '@outrider/testkit/small-disk';
import { readDiskSpace } from '../disk-space.ts';
import type { PostgresStartError } from './errors.ts';
import { openOwnerSession } from './owner-session.ts';

const home = await mkdtemp(join(tmpdir(), 'outrider-cluster-'));
const disk = await createSmallDisk(524_288);
after(async () => {
  await disk.remove();
  await rm(home, { recursive: true });
});

/** What a start says of a PostgreSQL that ended at once and left this log. */
async function startOn(folder: string, log: string): Promise<PostgresStartError> {
  await writeFile(join(folder, 'postgres.log'), log);
  const ended = { pid: 0, port: 0, ended: Promise.resolve('it ended with status 1'), hasEnded: () => true };
  return await openOwnerSession({ home: folder, password: '' }, ended).then(
    () => assert.fail('It has ended'),
    (cause: PostgresStartError) => cause,
  );
}

test('a PostgreSQL that had no room is told by the full disk, also where its log had none', async (t) => {
  const said = `FATAL:  could not write lock file "postmaster.pid": No space left on device\n${'LOG:  shutting down\n'.repeat(6)}`;
  assert.equal((await startOn(home, said)).code, 'storage-full');
  const silent = await startOn(disk.folder, '');
  // Without the right to mount, the small disk is a limit of this process, and the disk itself has room.
  const { freeBytes } = await readDiskSpace(disk.folder);
  if (freeBytes > 524_288) t.diagnostic('This user may not mount: a log without room was not tried');
  else assert.equal(silent.code, 'storage-full');
  const told = await startOn(home, said);
  assert.match(told.message, /^The disk of the database in .* is full.*; make room there, then start again$/);
  const other = await startOn(home, 'FATAL:  could not map anonymous shared memory\n');
  assert.equal(other.code, 'postgres-did-not-start');
  assert.match(other.message, /it ended with status 1\. Its log ends with: FATAL: .*shared memory/);
});
