// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { at, codesOf, exposureOf, idOf, OTHER_ROLLOUT, proposal, ROLLOUT, startRollout } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every store of exposures must do: what was opened stays open, what was granted is the ledger's. */
export function exposureContract(adapter: string, open: OpenStore): void {
  describe(`exposure: ${adapter}`, () => {
    test('a decision widens: caps, pi, wave, downloads, and why nothing more', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        const wider = {
          ...exposureOf(ROLLOUT, 40, 25),
          waveIndex: 1,
          waveStartedAt: at(600),
          pi: 0.5,
          downloadsAllowed: 400,
          holdReason: 'the wave bakes',
        };
        await store.exposures.storeExposure(wider);
        assert.deepEqual(await store.exposures.loadExposure(ROLLOUT), wider);
        await store.exposures.storeExposure({
          ...exposureOf(ROLLOUT, 40, 25),
          waveIndex: 1,
          pi: 0.5,
          isComplete: true,
        });
        const { holdReason: _, ...went } = wider;
        assert.deepEqual(await store.exposures.loadExposure(ROLLOUT), { ...went, isComplete: true });
      }));

    test('nothing that was opened closes, whatever an old decision says, and granted is left alone', () =>
      useStore(open, async (store) => {
        const wide = {
          ...exposureOf(ROLLOUT, 40, 25),
          waveIndex: 2,
          waveStartedAt: at(600),
          pi: 0.5,
          downloadsAllowed: 400,
        };
        await startRollout(store, wide);
        await store.ledger.commitPermits([proposal(0), proposal(1)]);
        await store.exposures.storeExposure({ ...exposureOf(ROLLOUT, 10), waveStartedAt: at(900), granted: 9 });
        const segments = wide.segments.map((one) => ({ ...one, granted: 1 }));
        assert.deepEqual(await store.exposures.loadExposure(ROLLOUT), { ...wide, granted: 2, segments });
      }));

    test('a cap that rises lets the next permit through; a segment that is new to the plan gets its cap', () =>
      useStore(open, async (store) => {
        const revC = idOf<SegmentId>('rev-c');
        await startRollout(store, exposureOf(ROLLOUT, 1));
        const late = proposal(3, { segment: revC });
        assert.deepEqual(codesOf(await store.ledger.commitPermits([proposal(1), proposal(2)])), [
          'committed',
          'cap-full',
        ]);
        const wider = exposureOf(ROLLOUT, 5, 3);
        await store.exposures.storeExposure({
          ...wider,
          segments: [...wider.segments, { segment: revC, population: 4, cap: 1, granted: 0 }],
        });
        const commits = await store.ledger.commitPermits([proposal(2), late, proposal(5, { segment: revC })]);
        assert.deepEqual(codesOf(commits), ['committed', 'committed', 'segment-cap-full']);
      }));

    test('all exposures are listed by rollout; one that does not exist is absent', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(OTHER_ROLLOUT, 3));
        await startRollout(store, exposureOf(ROLLOUT, 3));
        const all = await store.exposures.loadExposures();
        assert.deepEqual(all, [exposureOf(ROLLOUT, 3), exposureOf(OTHER_ROLLOUT, 3)]);
        await useStore(open, async (empty) => {
          assert.equal(await empty.exposures.loadExposure(ROLLOUT), undefined);
          assert.deepEqual(await empty.exposures.loadExposures(), []);
        });
      }));
  });
}
