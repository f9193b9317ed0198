// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Bytes } from '@outrider/domain/kernel/ids';
import fc from 'fast-check';
import { applyDelta } from './apply.ts';
import { BLOCK_BYTES, blockListBytes, listBlocks } from './block-list.ts';
import { checkBlocks } from './check-blocks.ts';
import { encodeDelta } from './encode.ts';
import { DeltaError } from './errors.ts';

const small = 16 as Bytes;

test('an image comes out of its delta exactly, and a small change makes a small delta', async () => {
  const base = randomBytes(400_000);
  const image = Buffer.concat([base.subarray(0, 100_000), randomBytes(100), base.subarray(100_000)]);
  const encoded = await encodeDelta(base, image);
  assert(encoded.ok);
  assert(encoded.value.delta.bytes < 2_000, `${encoded.value.delta.bytes} bytes`);
  assert.deepEqual(await collect(applyDelta(inPieces(encoded.value.content, 7), base, size(image))), image);
});

test('any image comes out of a delta from any base', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), async (base, image) => {
      const encoded = await encodeDelta(base, image);
      assert(encoded.ok);
      const made = await collect(applyDelta([encoded.value.content], base, size(image)));
      assert.deepEqual(made, Buffer.from(image));
    }),
    { numRuns: 50 },
  );
});

test('a delta that makes more than the signed length is cut there', async () => {
  const base = randomBytes(1_000);
  const encoded = await encodeDelta(base, Buffer.alloc(5_000_000));
  assert(encoded.ok);
  const chunks: number[] = [];
  await assert.rejects(
    async () => {
      for await (const chunk of applyDelta([encoded.value.content], base, 1_000_000 as Bytes))
        chunks.push(chunk.length);
    },
    { name: 'DeltaError', code: 'too-long' },
  );
  assert(chunks.reduce((sum, length) => sum + length, 0) <= 1_000_000);
});

test('a delta that was cut, or altered, or applied to another base, never passes as the image', async () => {
  const base = randomBytes(20_000);
  const image = Buffer.concat([base, randomBytes(2_000)]);
  const list = await listBlocks([image], small);
  const encoded = await encodeDelta(base, image);
  assert(encoded.ok);
  const { content } = encoded.value;
  const attempts: readonly (readonly [Uint8Array, Uint8Array])[] = [
    [content.subarray(0, content.length - 5), base],
    [content, randomBytes(20_000)],
    [content, base.subarray(1)],
    [new Uint8Array(0), base],
  ];
  for (const [delta, from] of attempts) {
    await assert.rejects(
      collect(checkBlocks(applyDelta([delta], from, size(image)), list.image, list.blocks)),
      DeltaError,
    );
  }
  for (let position = 0; position < content.length; position += 97) {
    const altered = Buffer.from(content);
    altered[position] = (altered[position] ?? 0) ^ 0x55;
    // A byte that the decoder never looks at may change: what counts is that only the signed image passes.
    const made = collect(checkBlocks(applyDelta([altered], base, size(image)), list.image, list.blocks));
    const passed = await made.catch((cause) => assert(cause instanceof DeltaError));
    if (passed !== undefined) assert.deepEqual(passed, image);
  }
});

test('a fault of the source passes through as itself, so that a cut download is not taken for a bad delta', async () => {
  const fault = new Error('cable pulled');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield randomBytes(10);
    throw fault;
  }
  await assert.rejects(collect(applyDelta(failing(), randomBytes(10), small)), fault);
});

test('a block list names every block and the whole, however the bytes arrive', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 40 }), async (bytes, step) => {
      const list = await listBlocks(inPieces(bytes, step), small);
      assert.equal(list.image.digest, hash('sha256', bytes, 'hex'));
      assert.equal(list.image.bytes, bytes.length);
      assert.equal(list.blocks.byteLength, blockListBytes(list.image));
      assert.equal(list.image.blocksDigest, hash('sha256', list.blocks, 'hex'));
      assert.deepEqual(await collect(checkBlocks(inPieces(bytes, step), list.image, list.blocks)), Buffer.from(bytes));
    }),
  );
  assert.equal(BLOCK_BYTES, 65_536);
});

test('no block passes before its hash was found right, and the length is the signed one', async () => {
  const image = randomBytes(100);
  const list = await listBlocks([image], small);
  const altered = Buffer.from(image);
  altered[40] = (altered[40] ?? 0) ^ 1;
  const passed: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      for await (const block of checkBlocks([altered], list.image, list.blocks)) passed.push(block);
    },
    { code: 'digest-mismatch' },
  );
  assert.deepEqual(Buffer.concat(passed), image.subarray(0, 32));
  const cases: [string, Uint8Array, Uint8Array][] = [
    ['too-short', image.subarray(0, 96), list.blocks],
    ['too-long', Buffer.concat([image, randomBytes(20)]), list.blocks],
    ['block-list-mismatch', image, list.blocks.subarray(32)],
    ['block-list-mismatch', image, randomBytes(list.blocks.byteLength)],
  ];
  for (const [code, bytes, blocks] of cases) {
    await assert.rejects(collect(checkBlocks([bytes], list.image, blocks)), { code });
  }
});

function size(bytes: Uint8Array): Bytes {
  return bytes.byteLength as Bytes;
}

function* inPieces(bytes: Uint8Array, step: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += step) yield bytes.subarray(start, start + step);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
