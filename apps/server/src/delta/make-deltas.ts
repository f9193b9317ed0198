// SPDX-License-Identifier: Apache-2.0
import { encodeDelta } from '@outrider/delta/encode';
import type { Delta } from '@outrider/domain/delta/delta';
import type { DeltaStore } from '@outrider/domain/delta/ports';
import type { BlobReader, BlobStore } from '@outrider/domain/gateway/ports';
import { assert } from '@outrider/domain/kernel/assert';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { type CommandError, refuse } from '../errors.ts';
import type { Recorder } from '../observability/recorder.ts';
import type { Log } from '../ports.ts';
import { blobProblem } from '../release/blob-problem.ts';
import type { ImagePair } from './image-pairs.ts';

/**
 * Makes the deltas that are not there yet, one after the other: an encoder takes all cores by itself and holds both images
 * in memory. Each is proven by applying it before it is stored. Codes: delta-failed, storage-full.
 */
export async function makeDeltas(
  pairs: readonly ImagePair[],
  tools: { readonly blobs: BlobStore; readonly deltas: DeltaStore; readonly recorder: Recorder; readonly log: Log },
  onDone: (doneCount: number) => void,
): Promise<Result<readonly Delta[], CommandError>> {
  const made: Delta[] = [];
  for (const [index, pair] of pairs.entries()) {
    const delta = await makeDelta(pair, tools);
    if (!delta.ok) return delta;
    if (delta.value !== undefined) made.push(delta.value);
    onDone(index + 1);
  }
  return ok(made);
}

/** The delta of one pair, or undefined for a pair too large for the codec: that image comes whole. */
async function makeDelta(
  { from, to }: ImagePair,
  { blobs, deltas, recorder, log }: Parameters<typeof makeDeltas>[1],
): Promise<Result<Delta | undefined, CommandError>> {
  const stored = await deltas.loadDeltasTo([to]);
  const known = stored.find((one) => one.fromDigest === from);
  const { counters, timings } = recorder;
  if (known !== undefined) {
    counters.add('delta', 'known');
    return ok(known);
  }
  const began = recorder.now();
  const encoded = await encodeDelta(await readWhole(blobs, from), await readWhole(blobs, to));
  if (!encoded.ok) {
    const { code, message } = encoded.error;
    const fields = { fromDigest: from, toDigest: to, reason: code };
    counters.add('delta', code);
    if (code !== 'pair-too-large') return refuse('delta-failed', `${message}; the delta from ${from} to ${to}`, fields);
    const consequence = 'A pair of images is too large for a delta, the image comes whole';
    log.warn({ stage: 'delta', code: 'pair-too-large', ...fields }, consequence);
    return ok(undefined);
  }
  const { delta, content } = encoded.value;
  assert(delta.fromDigest === from && delta.toDigest === to, 'a delta between the very images that were read');
  const put = await blobs.put(once(content), { bytesMax: content.byteLength, expectedDigest: delta.digest });
  if (!put.ok) {
    assert(put.error.code === 'storage-full', 'the bytes of a delta to have the digest that was just computed of them');
    return blobProblem(put.error, { stage: 'delta', log });
  }
  await deltas.storeDelta(delta);
  counters.add('delta', 'made');
  timings.delta.observe(recorder.now() - began);
  const bytes = { bytes: delta.bytes, toDigest: to, fromDigest: from };
  log.info({ stage: 'delta', code: 'delta-made', ...bytes }, 'A delta was made and proven');
  return ok(delta);
}

async function readWhole(blobs: BlobReader, digest: Sha256): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.read(digest)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
