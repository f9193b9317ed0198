// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PolicyChange } from '@outrider/domain/policy/log';
import { append, appendEvent, at, exposureOf, planOf, ROLLOUT, revisionOf, startRollout } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every policy log must do: one line of revisions, and of two writers one wins. */
export function policyLogContract(adapter: string, open: OpenStore): void {
  describe(`policy log: ${adapter}`, () => {
    test('entries come back as they were appended, numbered from one without a gap', () =>
      useStore(open, async (store) => {
        const entries = [
          await append(store, CREATED),
          await appendEvent(store, 'approve'),
          await append(store, PAUSED),
        ];
        assert.deepEqual(
          entries.map((one) => one.revision),
          [1, 2, 3],
        );
        assert.deepEqual(await store.policyLog.loadEntries(revisionOf(0)), entries);
        assert.deepEqual(await store.policyLog.loadEntries(revisionOf(2)), entries.slice(2));
        assert.deepEqual(await store.policyLog.loadEntries(revisionOf(3)), []);
      }));

    test('a change made from an old revision is refused, with the newest one, and changes nothing', () =>
      useStore(open, async (store) => {
        await append(store, CREATED);
        const stale = await store.policyLog.appendEntry({ ...ENTRY, expected: revisionOf(0), change: PAUSED });
        const error = { code: 'revision-stale', expected: revisionOf(0), actual: revisionOf(1) };
        assert.deepEqual(stale, { ok: false, error });
        assert.equal((await store.policyLog.loadEntries(revisionOf(0))).length, 1);
      }));

    test('of ten people who write at once from the same revision one wins', () =>
      useStore(open, async (store) => {
        const attempts = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            store.policyLog.appendEntry({
              ...ENTRY,
              expected: revisionOf(0),
              change: { ...PAUSED, reason: `person ${index}` },
            }),
          ),
        );
        assert.equal(attempts.filter((one) => one.ok).length, 1);
        assert.equal((await store.policyLog.loadEntries(revisionOf(0))).length, 1);
      }));

    test('the exposure that a start brings is there with it, with nothing granted', () =>
      useStore(open, async (store) => {
        await startRollout(store, { ...exposureOf(ROLLOUT, 10), granted: 7 });
        assert.deepEqual(await store.exposures.loadExposure(ROLLOUT), exposureOf(ROLLOUT, 10));
      }));

    test('a change that the table calls impossible is refused by the fold and leaves no entry', () =>
      useStore(open, async (store) => {
        await append(store, CREATED);
        await assert.rejects(appendEvent(store, 'start', { exposure: exposureOf(ROLLOUT, 10) }), /possible in draft/);
        assert.equal((await store.policyLog.loadEntries(revisionOf(0))).length, 1);
        assert.equal(await store.exposures.loadExposure(ROLLOUT), undefined);
      }));
  });
}

const CREATED: PolicyChange = { kind: 'rollout-created', plan: planOf(ROLLOUT) };
const PAUSED = { kind: 'scope-paused', scope: 'region:north', reason: 'a storm' } as const satisfies PolicyChange;
const ENTRY = { at: at(0), author: 'contract' };
