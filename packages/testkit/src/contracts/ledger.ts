// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PermitId, RolloutId } from '@outrider/domain/kernel/ids';
import { DAY_MS, HOUR_MS } from '@outrider/domain/kernel/time';
import { RESUME_TYPE } from '@outrider/domain/policy/resume-approval';
import {
  append,
  appendEvent,
  at,
  codesOf,
  commitOne,
  deviceIdOf,
  epochOf,
  exposureOf,
  idOf,
  OTHER_ROLLOUT,
  planOf,
  proposal,
  REV_A,
  REV_B,
  ROLLOUT,
  rollbackProposal,
  signedReport,
  startRollout,
} from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every permit ledger must do: caps, epochs, pauses, and each device once. */
export function ledgerContract(adapter: string, open: OpenStore): void {
  const HOUR = Math.floor((at(0) % DAY_MS) / HOUR_MS);
  describe(`ledger: ${adapter}`, () => {
    test('a permit is a row of the ledger, and counts against the caps of its rollout and its segment', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 3, 2));
        const commits = await store.ledger.commitPermits([0, 2, 4, 1, 3].map((number) => proposal(number)));
        assert.deepEqual(codesOf(commits), ['committed', 'committed', 'segment-cap-full', 'committed', 'cap-full']);
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.deepEqual(
          rows.map((one) => one.row),
          [0, 2, 1].map((number) => proposal(number).row),
        );
        const exposure = await store.exposures.loadExposure(ROLLOUT);
        assert.deepEqual([exposure?.granted, ...(exposure?.segments.map((one) => one.granted) ?? [])], [3, 2, 1]);
      }));

    test('500 proposals at once over many connections never pass a cap', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 120, 70));
        const batches = Array.from({ length: 50 }, (_, batch) =>
          Array.from({ length: 10 }, (_, index) => proposal(batch * 10 + index)),
        );
        const commits = (await Promise.all(batches.map((batch) => store.ledger.commitPermits(batch)))).flat();
        assert.equal(codesOf(commits).filter((code) => code === 'committed').length, 120);
        const exposure = await store.exposures.loadExposure(ROLLOUT);
        assert.equal(exposure?.granted, 120);
        assert.ok(
          exposure.segments.every((one) => one.granted <= one.cap),
          JSON.stringify(exposure.segments),
        );
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 1_000 });
        assert.equal(rows.length, 120);
      }));

    test('a control takes nothing from the cap but needs it open', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 1));
        const commits = await store.ledger.commitPermits([
          proposal(1, { arm: 'control' }),
          proposal(2),
          proposal(3, { arm: 'control' }),
        ]);
        assert.deepEqual(codesOf(commits), ['committed', 'committed', 'cap-full']);
      }));

    test('after a ceiling returns no permit comes into being beyond it; what was granted stays, and it can be lifted', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        assert.deepEqual(codesOf(await store.ledger.commitPermits([1, 2, 3].map((one) => proposal(one)))), [
          'committed',
          'committed',
          'committed',
        ]);
        await append(store, { kind: 'rollout-limited', rolloutId: ROLLOUT, devices: 4, reason: 'Few people are in' });
        const limited = await store.ledger.commitPermits([1, 4, 5, 6].map((one) => proposal(one)));
        assert.deepEqual(codesOf(limited), ['committed', 'committed', 'cap-full', 'cap-full']);
        await append(store, { kind: 'rollout-limited', rolloutId: ROLLOUT, devices: 2, reason: 'Even fewer' });
        assert.deepEqual(codesOf(await store.ledger.commitPermits([proposal(5)])), ['cap-full']);
        const exposure = await store.exposures.loadExposure(ROLLOUT);
        assert.deepEqual([exposure?.granted, exposure?.cap], [4, 10]);
        await append(store, { kind: 'rollout-limited', rolloutId: ROLLOUT, reason: 'All are back' });
        assert.deepEqual(codesOf(await store.ledger.commitPermits([proposal(5)])), ['committed']);
      }));

    test('what was known before the coin stays in the row, and what was not known is not made up', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        const known = proposal(1, { hadCrashBefore: true, wasSilentBefore: false });
        await store.ledger.commitPermits([known, proposal(2)]);
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.deepEqual(
          rows.map((one) => one.row),
          [known.row, proposal(2).row],
        );
      }));

    test('enrolments are counted by segment and hour of the day, with what became of them', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([
          proposal(2),
          proposal(4, { arm: 'control' }),
          proposal(6, { grantedAt: at(90) }),
          proposal(1, { grantedAt: at(24 * 60) }),
        ]);
        await store.reports.appendReports([
          signedReport(2, 'reverted'),
          signedReport(1, 'crash', { minutes: 49 * 60 }),
        ]);
        const counts = await store.ledger.countByHour(ROLLOUT);
        const zero = { enrolled: 1, treated: 1, reverted: 0, installFailed: 0, crashed: 0, sensorFaulty: 0 };
        assert.deepEqual(
          counts.toSorted((a, b) => (`${a.segment} ${a.hourOfDay}` < `${b.segment} ${b.hourOfDay}` ? -1 : 1)),
          [
            { ...zero, segment: REV_A, hourOfDay: HOUR, enrolled: 2, reverted: 1 },
            { ...zero, segment: REV_A, hourOfDay: HOUR + 1 },
            { ...zero, segment: REV_B, hourOfDay: HOUR },
          ],
        );
        assert.deepEqual(await store.ledger.countByHour(OTHER_ROLLOUT), []);
      }));

    test('a device that asks twice gets the row it has, once counted, whatever is proposed now', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 1));
        const first = await commitOne(store, proposal(1));
        const again = await commitOne(store, proposal(1, { arm: 'control', grantedAt: at(30) }));
        assert.deepEqual(again, first);
        const batch = await store.ledger.commitPermits([proposal(1), proposal(1)]);
        assert.deepEqual(batch, [first, first]);
        assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, 1);
      }));

    test('a control may be enrolled anew; a treated device, or a number left out, may not', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1, { arm: 'control' }), proposal(2)]);
        const next = { enrolment: 2, piBefore: 0.2, pi: 0.5, piEffective: 0.375 };
        const commits = await store.ledger.commitPermits([
          proposal(1, { ...next, permitId: idOf<PermitId>('permit-1-2') }),
          proposal(2, { ...next, permitId: idOf<PermitId>('permit-2-2') }),
          proposal(3, next),
          proposal(1, { ...next, enrolment: 3 }),
        ]);
        assert.deepEqual(codesOf(commits), ['committed', 'already-enrolled', 'already-enrolled', 'already-enrolled']);
        assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, 2);
      }));

    test('after a pause no permit of the old epoch comes into being, and after the resume only of the new one', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        assert.equal((await commitOne(store, proposal(1))).kind, 'committed');
        await appendEvent(store, 'pause');
        const whilePaused = await store.ledger.commitPermits([
          proposal(2),
          proposal(1),
          proposal(3, { epoch: epochOf(2) }),
        ]);
        assert.deepEqual(codesOf(whilePaused), ['epoch-moved', 'epoch-moved', 'rollout-not-running']);
        await appendEvent(store, 'resume');
        const after = await store.ledger.commitPermits([proposal(2), proposal(2, { epoch: epochOf(2) })]);
        assert.deepEqual(codesOf(after), ['epoch-moved', 'committed']);
      }));

    test('a pause returns while permits stream in, and none of the old epoch commits after it', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 100_000));
        let isPaused = false;
        const late: string[] = [];
        async function stream(lane: number) {
          // The limit is far beyond what any store commits before the pause; reaching it fails below.
          for (let index = 0; index < STREAM_BATCHES_MAX; index++) {
            const wasPaused = isPaused;
            const commits = await store.ledger.commitPermits([proposal(lane * STREAM_BATCHES_MAX + index)]);
            if (wasPaused) late.push(...codesOf(commits));
            if (codesOf(commits).includes('epoch-moved')) return;
          }
          assert.fail('the pause was starved by permits');
        }
        const streams = Array.from({ length: 6 }, (_, lane) => stream(lane));
        await appendEvent(store, 'pause');
        isPaused = true;
        const granted = (await store.exposures.loadExposure(ROLLOUT))?.granted;
        await Promise.all(streams);
        assert.ok(!late.includes('committed'), 'a permit came into being after the pause had returned');
        assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, granted);
      }));

    test('a paused region, and a paused world, get no permit; other regions do', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await append(store, { kind: 'scope-paused', scope: 'region:north', reason: 'a storm' });
        const south = { ...proposal(1), region: 'south' };
        assert.deepEqual(codesOf(await store.ledger.commitPermits([proposal(2), south])), [
          'scope-paused',
          'committed',
        ]);
        await append(store, { kind: 'scope-resumed', scope: 'region:north', reason: 'it has passed' });
        assert.equal((await commitOne(store, proposal(2))).kind, 'committed');
        await append(store, { kind: 'scope-paused', scope: 'global', reason: 'to look' });
        assert.deepEqual(codesOf([await commitOne(store, { ...proposal(3), region: 'south' })]), ['scope-paused']);
      }));

    test('a halted segment gets nothing more; the others go on', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await append(store, { kind: 'segment-halted', rolloutId: ROLLOUT, segment: REV_A, reason: 'reverts' });
        const commits = await store.ledger.commitPermits([proposal(0), proposal(1)]);
        assert.deepEqual(codesOf(commits), ['segment-halted', 'committed']);
      }));

    test('a halted region gets nothing more, goes back when that was said, and opens again by a signed resume', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await commitOne(store, proposal(1));
        const halt = { kind: 'region-halted', rolloutId: ROLLOUT, region: 'north', reason: 'the law' } as const;
        await append(store, { ...halt, populations: [{ segment: REV_A, population: 3 }] });
        const south = { ...proposal(3), region: 'south' };
        const stopped = [proposal(2), south, rollbackProposal(1, 1)];
        assert.deepEqual(codesOf(await store.ledger.commitPermits(stopped)), [
          'segment-halted',
          'committed',
          'rollout-not-running',
        ]);
        await append(store, { ...halt, populations: [], isRollingBack: true });
        const abroad = { ...rollbackProposal(3, 1), region: 'south' };
        assert.deepEqual(codesOf(await store.ledger.commitPermits([rollbackProposal(1, 1), abroad, proposal(2)])), [
          'committed',
          'rollout-not-running',
          'segment-halted',
        ]);
        await appendEvent(store, 'halt');
        await append(store, {
          ...{ kind: 'rollout-event', rolloutId: ROLLOUT, event: 'resume', reason: 'the law has changed' },
          approval: { payloadType: RESUME_TYPE, payload: '{}', signatures: [] },
          resumed: { counts: 'continue', segments: [], regions: ['north'] },
        });
        assert.equal((await commitOne(store, proposal(2, { epoch: epochOf(2) }))).kind, 'committed');
      }));

    test('no permit for a halted region comes into being after the halt has returned, however many ask meanwhile', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 100));
        const asking = Array.from({ length: 30 }, (_, number) => commitOne(store, proposal(number)));
        const halt = { kind: 'region-halted', rolloutId: ROLLOUT, region: 'north', populations: [] } as const;
        const halted = append(store, { ...halt, reason: 'the law' });
        const meanwhile = Array.from({ length: 30 }, (_, number) => commitOne(store, proposal(30 + number)));
        await halted;
        const before = (await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 100 })).length;
        const later = Array.from({ length: 10 }, (_, number) => commitOne(store, proposal(60 + number)));
        assert.deepEqual(codesOf(await Promise.all(later)), Array(10).fill('segment-halted'));
        const commits = await Promise.all([...asking, ...meanwhile]);
        const granted = commits.filter((one) => one.kind === 'committed').length;
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 100 });
        assert.deepEqual([rows.length, rows.length], [granted, before]);
      }));

    test('when tests begin again the caps fall to what was wanted, to no less than was granted, and nothing says why it was held', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await commitOne(store, proposal(1));
        await store.exposures.storeExposure({ ...exposureOf(ROLLOUT, 10), holdReason: 'ln E is over its threshold' });
        await appendEvent(store, 'halt');
        const stored = await store.exposures.loadExposure(ROLLOUT);
        assert.equal(stored?.holdReason, 'ln E is over its threshold');
        const { holdReason: _, ...before } = stored;
        const narrowed = { ...before, cap: 2, segments: before.segments.map((one) => ({ ...one, cap: 2 })) };
        await append(
          store,
          {
            ...{ kind: 'rollout-event', rolloutId: ROLLOUT, event: 'resume', reason: 'a look' },
            approval: { payloadType: RESUME_TYPE, payload: '{}', signatures: [] },
            resumed: { counts: 'restart', segments: [] },
          },
          narrowed,
        );
        const exposure = await store.exposures.loadExposure(ROLLOUT);
        assert.deepEqual([exposure?.cap, exposure?.granted, exposure?.pi], [2, 1, stored.pi]);
        assert.equal(exposure?.holdReason, undefined);
        assert.deepEqual(exposure?.segments, narrowed.segments);
        const epoch = { epoch: epochOf(2) };
        const commits = await store.ledger.commitPermits([proposal(2, epoch), proposal(3, epoch)]);
        assert.deepEqual(codesOf(commits), ['committed', 'cap-full']);
      }));

    test('what is not running gives nothing: drafts, unknown rollouts, halted ones', () =>
      useStore(open, async (store) => {
        await append(store, { kind: 'rollout-created', plan: planOf(OTHER_ROLLOUT) });
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await appendEvent(store, 'halt');
        const commits = await store.ledger.commitPermits([
          proposal(1, { rolloutId: OTHER_ROLLOUT }),
          proposal(1, { rolloutId: idOf<RolloutId>('nobody-made-this') }),
          proposal(1, { epoch: epochOf(2) }),
        ]);
        assert.deepEqual(codesOf(commits), Array(3).fill('rollout-not-running'));
      }));

    test('the way back needs no cap, passes an ordinary pause of its region, and stops at one that includes it', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 1));
        await commitOne(store, proposal(1));
        await appendEvent(store, 'roll-back');
        const back = [rollbackProposal(1, 2), rollbackProposal(2, 2), proposal(3, { epoch: epochOf(2) })];
        await append(store, { kind: 'scope-paused', scope: 'region:north', reason: 'a storm' });
        const commits = await store.ledger.commitPermits(back);
        assert.deepEqual(codesOf(commits), ['committed', 'committed', 'rollout-not-running']);
        await append(store, { kind: 'scope-paused', scope: 'global', reason: 'to look', isIncludingRollback: true });
        assert.deepEqual(codesOf([await commitOne(store, rollbackProposal(3, 2))]), ['scope-paused']);
        assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, 1);
      }));

    test('a page of the ledger goes on where the last one ended', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([1, 2, 3, 4, 5].map((number) => proposal(number)));
        const first = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 2 });
        const rest = await store.ledger.loadRows(ROLLOUT, { afterPosition: first[1]?.position ?? 0, limit: 10 });
        assert.deepEqual(
          [...first, ...rest].map((one) => one.row.deviceId),
          [1, 2, 3, 4, 5].map(deviceIdOf),
        );
      }));

    test('the receipt of a pause names who still holds a permit: not controls, not those that reported or ran out', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([
          ...[1, 2, 3, 4].map((number) => proposal(number)),
          proposal(5, { arm: 'control' }),
          { ...proposal(6, { grantedAt: at(-30) }), region: 'south' },
        ]);
        await store.reports.appendReports([
          signedReport(1, 'verified'),
          signedReport(2, 'reverted'),
          signedReport(3, 'crash'),
        ]);
        const openTo = async (scope: Parameters<typeof store.ledger.loadOpenPermits>[0], minutes: number) =>
          (await store.ledger.loadOpenPermits(scope, at(minutes))).map((one) => one.deviceId);
        assert.deepEqual(await openTo('global', 10), [3, 4, 6].map(deviceIdOf));
        assert.deepEqual(await openTo('region:south', 10), [deviceIdOf(6)]);
        assert.deepEqual(await openTo(`rollout:${ROLLOUT}`, 30), [3, 4].map(deviceIdOf));
        assert.deepEqual(await openTo(`rollout:${OTHER_ROLLOUT}`, 10), []);
        assert.deepEqual(await store.ledger.loadOpenPermits('region:south', at(0)), [
          {
            permitId: idOf<PermitId>('permit-6'),
            deviceId: deviceIdOf(6),
            rolloutId: ROLLOUT,
            epoch: epochOf(1),
            expiresAt: at(30),
          },
        ]);
      }));

    test('a permit that was asked for again lives from then on, under the epoch of then', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await commitOne(store, proposal(1));
        await store.reports.appendReports([signedReport(1, 'install-failed')]);
        assert.deepEqual(await store.ledger.loadOpenPermits('global', at(10)), []);
        await appendEvent(store, 'pause');
        await appendEvent(store, 'resume');
        await commitOne(store, proposal(1, { grantedAt: at(50), epoch: epochOf(2) }));
        const [renewed] = await store.ledger.loadOpenPermits('global', at(100));
        assert.deepEqual([renewed?.epoch, renewed?.expiresAt], [epochOf(2), at(110)]);
      }));
  });
}

const STREAM_BATCHES_MAX = 20_000;
