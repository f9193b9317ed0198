// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revision } from '@outrider/domain/kernel/ids';
import { fleetInstant, machineInstant } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import type { Log, Schedule } from '../ports.ts';
import { snapshotHolder } from './snapshot-holder.ts';

const silent: Log = { info() {}, warn() {}, error() {} };
const never: Schedule = { after: () => () => {} };

function stage() {
  const store = memoryStore();
  let nowMs = 0;
  const machineClock = { now: () => machineInstant(nowMs) };
  const holder = snapshotHolder({ store, machineClock, schedule: never, log: silent });
  const pause = () =>
    store.policyLog.appendEntry({
      expected: holder.policy().revision,
      at: fleetInstant(1),
      author: 'ada',
      change: { kind: 'scope-paused', scope: 'global', reason: 'storm' },
    });
  function advance(ms: number): void {
    nowMs += ms;
  }
  return { store, holder, pause, advance };
}

test('a gateway that has not heard of the policy for three seconds offers nothing', async () => {
  const { holder, advance } = stage();
  assert.equal(holder.fresh(), undefined, 'nothing was read yet');
  await holder.refresh();
  advance(3_000);
  assert.notEqual(holder.fresh(), undefined);
  advance(1);
  assert.equal(holder.fresh(), undefined);
  assert.notEqual(holder.newest(), undefined, 'permits are checked by the store anyway');
  await holder.refresh();
  assert.notEqual(holder.fresh(), undefined);
});

test('the right to offer counts from before the read began, however long it took', async () => {
  const { store } = stage();
  let nowMs = 0;
  const slowLog: typeof store.policyLog = {
    ...store.policyLog,
    async loadEntries(after) {
      nowMs += 3_001;
      return store.policyLog.loadEntries(after);
    },
  };
  const machineClock = { now: () => machineInstant(nowMs) };
  const slow = { ...store, policyLog: slowLog };
  const holder = snapshotHolder({ store: slow, machineClock, schedule: never, log: silent });
  await holder.refresh();
  assert.equal(holder.fresh(), undefined);
});

test('a change that was made before a refresh was asked for is seen by it, even while another read is under way', async () => {
  const { holder, pause } = stage();
  const early = holder.refresh();
  const paused = pause();
  await paused;
  await holder.refresh();
  await early;
  assert.equal(holder.policy().revision, 1 as Revision);
  assert.deepEqual(holder.newest()?.pausedScopes, [{ scope: 'global', isIncludingRollback: false }]);
});
