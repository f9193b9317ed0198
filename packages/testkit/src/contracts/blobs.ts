// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { BlobStore } from '@outrider/domain/gateway/ports';
import { parseSha256, type Sha256 } from '@outrider/domain/kernel/ids';

/** What every store of blobs must do. `open` gives an empty one. */
export function blobsContract(adapter: string, open: () => Promise<BlobStore>): void {
  describe(`blobs: ${adapter}`, () => {
    test('a blob is found under its digest and comes back byte for byte', async () => {
      const blobs = await open();
      const put = await blobs.put(inPieces(IMAGE), { bytesMax: IMAGE.byteLength });
      assert.deepEqual(put, { ok: true, value: { digest: digestOf(IMAGE), bytes: IMAGE.byteLength } });
      assert.equal(await blobs.sizeOf(digestOf(IMAGE)), IMAGE.byteLength);
      assert.deepEqual(await collected(blobs.read(digestOf(IMAGE))), IMAGE);
    });

    test('a cut download goes on from any byte', async () => {
      const blobs = await open();
      await blobs.put(inPieces(IMAGE), { bytesMax: IMAGE.byteLength });
      for (const [start, end] of [
        [0, 0],
        [1, 70_000],
        [65_535, 65_536],
        [199_999, 199_999],
      ] as const) {
        const part = await collected(blobs.read(digestOf(IMAGE), { start, end }));
        assert.deepEqual(part, IMAGE.subarray(start, end + 1), `bytes ${start} to ${end}`);
      }
    });

    test('bytes that are not the promised ones are refused and nothing of them stays', async () => {
      const blobs = await open();
      const expected = digestOf(new Uint8Array([1, 2, 3]));
      const put = await blobs.put(inPieces(IMAGE), { bytesMax: IMAGE.byteLength, expectedDigest: expected });
      assert.deepEqual(put, { ok: false, error: { code: 'digest-mismatch', expected, actual: digestOf(IMAGE) } });
      assert.equal(await blobs.sizeOf(expected), undefined);
      assert.equal(await blobs.sizeOf(digestOf(IMAGE)), undefined);
    });

    test('an endless upload is cut at its limit', async () => {
      const blobs = await open();
      assert.deepEqual(await blobs.put(endless(), { bytesMax: 1_000_000 }), {
        ok: false,
        error: { code: 'blob-too-long', bytesMax: 1_000_000 },
      });
    });

    test('the same bytes put twice, or by many at once, are one blob', async () => {
      const blobs = await open();
      const puts = await Promise.all(
        Array.from({ length: 8 }, () => blobs.put(inPieces(IMAGE), { bytesMax: IMAGE.byteLength })),
      );
      assert.ok(puts.every((put) => put.ok));
      assert.deepEqual(await collected(blobs.read(digestOf(IMAGE))), IMAGE);
    });

    test('an empty blob is a blob', async () => {
      const blobs = await open();
      const empty = new Uint8Array();
      assert.ok((await blobs.put(inPieces(empty), { bytesMax: 0, expectedDigest: digestOf(empty) })).ok);
      assert.equal(await blobs.sizeOf(digestOf(empty)), 0);
      assert.deepEqual(await collected(blobs.read(digestOf(empty))), empty);
    });

    test('a name that is no digest is no blob', async () => {
      const blobs = await open();
      for (const name of ['', '..', '../../etc/passwd', 'A'.repeat(64)]) {
        assert.equal(await blobs.sizeOf(name), undefined, name);
      }
    });
  });
}

/** Longer than three chunks of any adapter, and without a period that a wrong offset could hide behind. */
const IMAGE = Uint8Array.from({ length: 200_000 }, (_, index) => (index * index + (index >> 7)) & 255);

async function* inPieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += 30_000) yield bytes.subarray(start, start + 30_000);
}

async function* endless(): AsyncIterable<Uint8Array> {
  for (;;) yield new Uint8Array(50_000);
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  for await (const chunk of chunks) kept.push(chunk);
  return new Uint8Array(Buffer.concat(kept));
}

function digestOf(bytes: Uint8Array): Sha256 {
  const digest = parseSha256(hash('sha256', bytes, 'hex'));
  assert.ok(digest.ok);
  return digest.value;
}
