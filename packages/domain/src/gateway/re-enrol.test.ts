// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import type { SegmentId } from '../kernel/ids.ts';
import { fleetInstant, HOUR_MS } from '../kernel/time.ts';
import type { LedgerRow } from './ledger.ts';
import { canReEnrol, windowsCloseAt } from './re-enrol.ts';

const plan = aPlan();

test('a control may ask again once pi has risen and its 72 hours are over', () => {
  const row = rowOf({});
  assert.ok(!canReEnrol(row, plan, { pi: 0.5, now: hoursLater(71.9) }));
  assert.ok(canReEnrol(row, plan, { pi: 0.5, now: hoursLater(72) }));
  assert.ok(!canReEnrol(row, plan, { pi: 0.2, now: hoursLater(72) }));
});

test('a control of the long panel waits for 168 hours, also after completion', () => {
  const row = rowOf({ isPanel: true });
  assert.ok(!canReEnrol(row, plan, { pi: 1, now: hoursLater(167.9) }));
  assert.ok(canReEnrol(row, plan, { pi: 1, now: hoursLater(168) }));
});

test('treated devices and rollbacks are never enrolled anew', () => {
  const moment = { pi: 1, now: hoursLater(1000) };
  assert.ok(!canReEnrol(rowOf({ arm: 'treated' }), plan, moment));
  assert.ok(!canReEnrol(rowOf({ kind: 'rollback' }), plan, moment));
});

test('a plan without comparisons of the arms still keeps a control for a day', () => {
  const gates = { ...plan.gates, metrics: plan.gates.metrics.filter((gate) => gate.kind === 'base') };
  assert.equal(windowsCloseAt(rowOf({}), aPlan({ gates })), hoursLater(24));
});

function hoursLater(count: number) {
  return fleetInstant(NOW + count * HOUR_MS);
}

function rowOf(own: Partial<LedgerRow>): LedgerRow {
  return {
    rolloutId: plan.rolloutId,
    deviceId: id('d1'),
    enrolment: 1,
    kind: 'enrolment',
    releaseId: plan.releaseId,
    segment: id<SegmentId>('rev-a'),
    arm: 'control',
    piBefore: 0,
    pi: 0.2,
    piEffective: 0.2,
    isRing: false,
    isPanel: false,
    permitId: id('p1'),
    epoch: 1 as LedgerRow['epoch'],
    grantedAt: NOW,
    permitLifeMs: plan.permitLifeMs,
    ...own,
  };
}
