// SPDX-License-Identifier: Apache-2.0

/** The same bytes in blocks of exactly `blockBytes`, the last one shorter. Each block may be kept: it is never reused. */
export async function* cutIntoBlocks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Uint8Array> {
  let block = new Uint8Array(blockBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; ) {
      const end = Math.min(chunk.byteLength, start + blockBytes - filled);
      block.set(chunk.subarray(start, end), filled);
      filled += end - start;
      start = end;
      if (filled === blockBytes) {
        yield block;
        block = new Uint8Array(blockBytes);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
