// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import { createSmallDisk } from '@outrider/testkit/small-disk';
import { isDiskFull } from '../shared/files.ts';
import { openFileStorage } from './file-storage.ts';

const disk = await createSmallDisk(1_048_576);
after(() => disk.remove());

const IMAGE = Buffer.alloc(400_000, 'an image larger than the room that is left');
// The constructor of the brand: the platform's own hash.
const DIGEST = createHash('sha256').update(IMAGE).digest('hex') as Sha256;
const BYTES = IMAGE.byteLength as Bytes;

test('a device whose disk is full says so by name, keeps journal and staged bytes, and goes on from them once there is room', async () => {
  const folder = join(disk.folder, 'device');
  const storage = await openFileStorage(folder);
  await storage.storeJournal('{"phase":"idle"}');
  assert.deepEqual(await storage.stage(DIGEST, from(0, 100_000), BYTES), { ok: true, value: 100_000 });
  await disk.fill();
  const refused = await storage.stage(DIGEST, from(100_000, 400_000), BYTES);
  assert.equal(refused.ok ? undefined : refused.error.code, 'disk-full');
  await assert.rejects(storage.storeJournal(`{"phase":"downloading","padding":"${'x'.repeat(50_000)}"}`), isDiskFull);
  assert.equal(await storage.loadJournal(), '{"phase":"idle"}', 'the journal is the former one, whole');
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.new')),
    [],
  );
  const kept = await storage.stagedBytes(DIGEST);
  assert.ok(kept >= 100_000, 'nothing that was verified to be there is fetched again');
  await disk.free();
  assert.deepEqual(await storage.stage(DIGEST, from(kept, 400_000), BYTES), { ok: true, value: 400_000 });
  assert.equal(await storage.verifyStaged(DIGEST), true, 'bit for bit, over the gap');
});

async function* from(start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let offset = start; offset < end; offset += 10_000) yield IMAGE.subarray(offset, Math.min(end, offset + 10_000));
}
