// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Delta } from '@outrider/domain/delta/delta';
import type { Bytes } from '@outrider/domain/kernel/ids';
import { digestOf } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every list of deltas must do. */
export function deltaStoreContract(adapter: string, open: OpenStore): void {
  describe(`deltas: ${adapter}`, () => {
    test('all deltas to an image are found, from every base, and none to another image', () =>
      useStore(open, async ({ deltas }) => {
        const stored = [delta('1', '3'), delta('2', '3'), delta('3', '2'), delta('1', '2')];
        for (const one of stored) await deltas.storeDelta(one);
        assert.deepEqual(sorted(await deltas.loadDeltasTo([digestOf('3')])), sorted(stored.slice(0, 2)));
        assert.deepEqual(sorted(await deltas.loadDeltasTo([digestOf('3'), digestOf('2')])), sorted(stored));
        assert.deepEqual(await deltas.loadDeltasTo([]), []);
      }));

    test('the first delta between two images stays, for the devices that are fetching it', () =>
      useStore(open, async ({ deltas }) => {
        await deltas.storeDelta(delta('1', '2'));
        await deltas.storeDelta({ ...delta('1', '2'), digest: digestOf('made again') });
        assert.deepEqual(await deltas.loadDeltasTo([digestOf('2')]), [delta('1', '2')]);
      }));
  });
}

export function delta(from: string, to: string): Delta {
  return {
    fromDigest: digestOf(from),
    toDigest: digestOf(to),
    format: 'zstd-patch-1',
    digest: digestOf(`${from} to ${to}`),
    // The constructor of a size, for tests.
    bytes: 4_096 as Bytes,
  };
}

function sorted(deltas: readonly Delta[]): readonly Delta[] {
  return deltas.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}
