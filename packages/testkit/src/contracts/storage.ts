// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { listBlocks } from '@outrider/delta/block-list';
import { encodeDelta } from '@outrider/delta/encode';
import type { Artifact } from '@outrider/domain/delta/delta';
import type { Storage } from '@outrider/domain/device/ports';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';

/** A device under test: `powerOn` opens its storage from what is durable. */
export interface StorageBench {
  powerOn(): Promise<Storage>;
}

/** What every storage of a device must do. `provision` gives one that holds these images in slot a. */
export function storageContract(
  adapter: string,
  provision: (images: Readonly<Record<string, Uint8Array>>) => Promise<StorageBench>,
): void {
  describe(`device storage: ${adapter}`, () => {
    test('the journal is there after a restart, the last one wholly written', async () => {
      const bench = await provision({ main: OLD });
      const storage = await bench.powerOn();
      assert.equal(await storage.loadJournal(), undefined);
      await storage.storeJournal('one');
      await storage.storeJournal('two: ü');
      assert.equal(await (await bench.powerOn()).loadJournal(), 'two: ü');
    });

    test('what the device trusts is there after a restart, each document as it was stored last', async () => {
      const bench = await provision({ main: OLD });
      const storage = await bench.powerOn();
      assert.equal(await storage.loadMetadata('image/root.json'), undefined);
      await storage.storeMetadata('image/root.json', 'one');
      await storage.storeMetadata('director/root.json', 'two: ü');
      await storage.storeMetadata('image/root.json', 'three');
      const reopened = await bench.powerOn();
      assert.equal(await reopened.loadMetadata('image/root.json'), 'three');
      assert.equal(await reopened.loadMetadata('director/root.json'), 'two: ü');
    });

    test('a download that broke off goes on from what came, and is verified as a whole', async () => {
      const bench = await provision({ main: OLD });
      const { image } = await listBlocks([NEW]);
      const fault = new Error('cable pulled');
      const storage = await bench.powerOn();
      await assert.rejects(storage.stage(image.digest, breaking(NEW, 5_000, fault), image.bytes), fault);
      const again = await bench.powerOn();
      const staged = await again.stagedBytes(image.digest);
      assert.equal(staged, 5_000);
      const rest = await again.stage(image.digest, pieces(NEW.subarray(staged)), image.bytes);
      assert.deepEqual(rest, { ok: true, value: NEW.byteLength });
      assert.equal(await again.verifyStaged(image.digest), true);
    });

    test('more bytes than were promised are refused', async () => {
      const storage = await (await provision({ main: OLD })).powerOn();
      const { image } = await listBlocks([NEW]);
      const staged = await storage.stage(image.digest, pieces(Buffer.concat([NEW, NEW])), image.bytes);
      assert.equal(!staged.ok && staged.error.code, 'too-long');
      assert((await storage.stagedBytes(image.digest)) <= image.bytes);
    });

    test('bytes with another digest are discarded, so that they are not taken for a beginning', async () => {
      const storage = await (await provision({ main: OLD })).powerOn();
      const { image } = await listBlocks([NEW]);
      await storage.stage(image.digest, pieces(randomBytes(NEW.byteLength)), image.bytes);
      assert.equal(await storage.verifyStaged(image.digest), false);
      assert.equal(await storage.stagedBytes(image.digest), 0);
    });

    test('an image is installed whole or as a delta, and the running slot stays as it is', async () => {
      for (const kind of ['full', 'delta'] as const) {
        const bench = await provision({ main: OLD });
        const storage = await bench.powerOn();
        const { image, artifact } = await staged(storage, kind);
        const order = { slot: 'b', component: 'main', image, artifact } as const;
        assert.deepEqual(await storage.install(order), { ok: true, value: 'installed' });
        // Again, as after a cut whose answer was lost.
        assert.deepEqual(await storage.install(order), { ok: true, value: 'installed' });
        const reopened = await bench.powerOn();
        assert.deepEqual(await reopened.verifySlot('b'), [{ name: 'main', digest: image.digest }]);
        const { image: former } = await listBlocks([OLD]);
        assert.deepEqual(await reopened.verifySlot('a'), [{ name: 'main', digest: former.digest }]);
      }
    });

    test('a delta is not applied to another base than its own', async () => {
      const storage = await (await provision({ main: randomBytes(OLD.byteLength) })).powerOn();
      const { image, artifact } = await staged(storage, 'delta');
      const installed = await storage.install({ slot: 'b', component: 'main', image, artifact });
      assert.equal(!installed.ok && installed.error.code, 'base-mismatch');
      assert.deepEqual(await storage.verifySlot('b'), []);
    });

    test('an image that differs from the signed one in one byte never becomes the content of a slot', async () => {
      const storage = await (await provision({ main: OLD })).powerOn();
      const { image } = await staged(storage, 'full');
      const altered = Buffer.from(NEW);
      altered[7_000] = (altered[7_000] ?? 0) ^ 1;
      const { image: other } = await listBlocks([altered]);
      await storage.stage(other.digest, pieces(altered), other.bytes);
      const artifact: Artifact = { kind: 'full', digest: other.digest, bytes: other.bytes };
      const installed = await storage.install({ slot: 'b', component: 'main', image, artifact });
      assert.equal(!installed.ok && installed.error.code, 'digest-mismatch');
      assert(!(await storage.verifySlot('b')).some(({ digest }) => digest === image.digest));
    });

    test('what is not staged is not installed, and says so', async () => {
      const storage = await (await provision({ main: OLD })).powerOn();
      const { image, blocks } = await listBlocks([NEW]);
      const artifact: Artifact = { kind: 'full', digest: image.digest, bytes: image.bytes };
      const order = { slot: 'b', component: 'main', image, artifact } as const;
      assert.equal((await storage.install(order)).ok, false);
      await storage.stage(image.blocksDigest, pieces(blocks), blocks.byteLength as Bytes);
      assert.equal((await storage.install(order)).ok, false);
    });

    test('the staging area can be freed', async () => {
      const storage = await (await provision({ main: OLD })).powerOn();
      const { image } = await staged(storage, 'full');
      await storage.discardStaged();
      assert.equal(await storage.stagedBytes(image.digest), 0);
      assert.equal(await storage.verifyStaged(image.digest), false);
    });
  });
}

const OLD = randomBytes(60_000);
const NEW = Buffer.concat([OLD.subarray(0, 20_000), randomBytes(100_000), OLD.subarray(20_000)]);

async function staged(storage: Storage, kind: Artifact['kind']) {
  const { image, blocks } = await listBlocks([NEW]);
  await storage.stage(image.blocksDigest, pieces(blocks), blocks.byteLength as Bytes);
  if (kind === 'full') {
    await storage.stage(image.digest, pieces(NEW), image.bytes);
    const artifact: Artifact = { kind, digest: image.digest as Sha256, bytes: image.bytes };
    return { image, artifact };
  }
  const encoded = await encodeDelta(OLD, NEW);
  assert(encoded.ok);
  const { delta, content } = encoded.value;
  await storage.stage(delta.digest, pieces(content), delta.bytes);
  const artifact: Artifact = { kind, delta };
  return { image, artifact };
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += 9_000) yield bytes.subarray(start, start + 9_000);
}

async function* breaking(bytes: Uint8Array, after: number, fault: Error): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < after; start += 1_000) yield bytes.subarray(start, start + 1_000);
  throw fault;
}
