// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { DAY_MS, type FleetInstant } from '@outrider/domain/kernel/time';
import {
  at,
  commitOne,
  deviceIdOf,
  exposureOf,
  OTHER_ROLLOUT,
  proposal,
  ROLLOUT,
  signedReport,
  startRollout,
} from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every ledger must do for the counting of evidence: nothing is missed, nothing comes into a closed interval. */
export function evidenceIntervalsContract(adapter: string, open: OpenStore): void {
  describe(`evidence intervals: ${adapter}`, () => {
    test('a row is touched when it is granted, when it is heard of and when a window closes; at no other time', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await commitOne(store, proposal(1, { grantedAt: at(10) }));
        assert.deepEqual(await touched(store, -1, at(9)), []);
        assert.deepEqual(await touched(store, at(9), at(10)), [1]);
        assert.deepEqual(await touched(store, at(10), at(19)), []);
        await store.reports.appendReports([signedReport(1, 'verified', { minutes: 20 })]);
        assert.deepEqual(await touched(store, at(19), at(20)), [1]);
        await store.ledger.noteContacts([{ deviceId: deviceIdOf(1), at: at(80) }]);
        assert.deepEqual(await touched(store, at(20), at(79)), []);
        assert.deepEqual(await touched(store, at(79), at(80)), [1]);
        const closes = at(10 + 24 * 60);
        assert.deepEqual(await touched(store, at(80), at(9 + 24 * 60)), []);
        assert.deepEqual(await touched(store, at(9 + 24 * 60), closes), [1]);
        assert.deepEqual(await touched(store, closes, at(9 + 72 * 60)), []);
        assert.deepEqual(await touched(store, at(9 + 72 * 60), at(10 + 72 * 60)), [1]);
        assert.deepEqual(await touched(store, -1, at(30 * 24 * 60)), [1]);
      }));

    test('other rollouts are left out', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await startRollout(store, exposureOf(OTHER_ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1), proposal(2, { rolloutId: OTHER_ROLLOUT })]);
        assert.deepEqual(await touched(store, -1, at(0)), [1]);
      }));

    test('what comes after an interval was counted is stamped after it: a permit, a report, a contact', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1), proposal(2)]);
        await touched(store, -1, at(100));
        const justAfter = at(100) + 1;
        const late = await commitOne(store, proposal(3, { grantedAt: at(90) }));
        assert.equal(late.kind === 'committed' ? late.row.grantedAt : undefined, justAfter);
        await store.reports.appendReports([signedReport(1, 'reverted', { minutes: 95 })]);
        await store.ledger.noteContacts([{ deviceId: deviceIdOf(2), at: at(99) }]);
        const rows = await store.ledger.loadRowsTouched(ROLLOUT, { afterMs: at(100), upTo: at(101) }, []);
        assert.deepEqual(
          rows.map((one) => [one.row.deviceId, one.revertedAt, one.firstContactAt]),
          [
            [deviceIdOf(1), justAfter, undefined],
            [deviceIdOf(2), undefined, justAfter],
            [deviceIdOf(3), undefined, undefined],
          ],
        );
        const [report] = await store.reports.loadReports(ROLLOUT, { afterPosition: 0, limit: 1 });
        assert.equal(report?.receivedAt, justAfter);
      }));

    test('a first contact counts only when it is later than one hour after the grant, and only the first', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1), proposal(2)]);
        for (const minutes of [60, 61, 75]) {
          await store.ledger.noteContacts([
            { deviceId: deviceIdOf(1), at: at(minutes) },
            { deviceId: deviceIdOf(9), at: at(minutes) },
          ]);
        }
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.deepEqual(
          rows.map((one) => one.firstContactAt),
          [at(61), undefined],
        );
      }));

    test('the first contact of each stretch is noted, whether they come one by one or in one batch', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1), proposal(2)]);
        const minutes = [30, 90, 600, 1440, 1441, 3000, 4320, 4321, 9000];
        for (const one of minutes) await store.ledger.noteContacts([{ deviceId: deviceIdOf(1), at: at(one) }]);
        await store.ledger.noteContacts(minutes.map((one) => ({ deviceId: deviceIdOf(2), at: at(one) })));
        for (const outcome of await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 })) {
          assert.equal(outcome.firstContactAt, at(90));
          assert.equal(outcome.secondDayContactAt, at(1441));
          assert.equal(outcome.fourthDayContactAt, at(4321));
        }
      }));

    test('a device that skips a stretch is noted in the ones it was heard of after', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1)]);
        await store.ledger.noteContacts([{ deviceId: deviceIdOf(1), at: at(5000) }]);
        const [outcome] = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.equal(outcome?.firstContactAt, at(5000));
        assert.equal(outcome?.secondDayContactAt, at(5000));
        assert.equal(outcome?.fourthDayContactAt, at(5000));
      }));

    test('permits, reports and contacts that race with the counting are each seen in exactly one interval', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 1_000));
        let clock = 100;
        let isOver = false;
        async function devices(lane: number) {
          for (let index = 0; index < 25; index++) {
            const number = lane * 25 + index;
            await store.ledger.commitPermits([proposal(number, { grantedAt: at(clock) })]);
            await Promise.all([
              store.reports.appendReports([signedReport(number, 'verified', { minutes: clock })]),
              store.ledger.noteContacts([{ deviceId: deviceIdOf(number), at: at(clock + 90) }]),
              store.ledger.commitPermits([proposal(number, { grantedAt: at(clock) })]),
            ]);
          }
        }
        const seen = new Map<string, number>();
        async function counting() {
          for (let afterMs: FleetInstant | -1 = -1, isLast = false; !isLast; clock++) {
            isLast = isOver;
            const upTo = at(clock);
            for (const { row, verifiedAt } of await store.ledger.loadRowsTouched(ROLLOUT, { afterMs, upTo }, [])) {
              if (row.grantedAt > afterMs && row.grantedAt <= upTo) tally(seen, `granted ${row.deviceId}`);
              if (verifiedAt !== undefined && verifiedAt > afterMs && verifiedAt <= upTo) {
                tally(seen, `verified ${row.deviceId}`);
              }
            }
            afterMs = upTo;
          }
        }
        const count = counting();
        await Promise.all(Array.from({ length: 4 }, (_, lane) => devices(lane)));
        clock++;
        isOver = true;
        await count;
        assert.equal(seen.size, 200);
        assert.ok([...seen.values()].every((times) => times === 1));
      }));
  });
}

async function touched(store: ServerStore, afterMs: FleetInstant | -1, upTo: FleetInstant): Promise<readonly number[]> {
  const rows = await store.ledger.loadRowsTouched(ROLLOUT, { afterMs, upTo }, [DAY_MS, 3 * DAY_MS]);
  return rows.map((one) => Number(one.row.deviceId.slice(-6)));
}

function tally(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
