// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { id, NOW } from '@outrider/testkit/small-fleet';
import type { LedgerOutcome, LedgerRow } from '../gateway/ledger.ts';
import type { ReportEvent, StoredReport } from '../gateway/report.ts';
import type { DeviceId, Epoch, PermitId, ReleaseCounter, ReleaseId, RolloutId, SegmentId } from '../kernel/ids.ts';
import { type FleetInstant, fleetInstant, hours } from '../kernel/time.ts';
import { outcomeCheck } from './outcome-check.ts';

const GRANTED = NOW;
const row: LedgerRow = {
  rolloutId: id<RolloutId>('rollout-1'),
  deviceId: id<DeviceId>('camera-1'),
  enrolment: 1,
  kind: 'enrolment',
  releaseId: id<ReleaseId>('camera-1.1.0'),
  segment: id<SegmentId>('rev-a'),
  arm: 'treated',
  ...{ piBefore: 0, pi: 0.2, piEffective: 0.2, isRing: false, isPanel: false },
  permitId: id<PermitId>('permit-1'),
  epoch: 1 as Epoch,
  grantedAt: GRANTED,
  permitLifeMs: hours(1),
};

test('an instant at which its report was taken in is borne out, also the first of many', () => {
  const outcome = { position: 1, row, crashedAt: later(5), verifiedAt: later(3) };
  const reports = [report('verified', 3), report('crash', 5), report('crash', 9)];
  assert.deepEqual(faultsOf([outcome], reports), []);
});

test('an instant that no report stands for is named', () => {
  const outcome = { position: 7, row, revertedAt: later(5) };
  const fault = { code: 'instant-unreported', position: 7, deviceId: row.deviceId, event: 'reverted', at: later(5) };
  assert.deepEqual(faultsOf([outcome], []), [fault]);
  assert.deepEqual(faultsOf([outcome], [report('reverted', 4)]), [fault], 'moved by a millisecond');
  assert.deepEqual(faultsOf([outcome], [report('crash', 5)])[0], fault, 'another event');
  const foreign = report('reverted', 5, id<PermitId>('another-permit'));
  assert.deepEqual(faultsOf([outcome], [foreign]), [fault], 'another permit');
});

test('a report that its row says nothing of is named', () => {
  const [fault] = faultsOf([{ position: 7, row }], [report('reverted', 0)]);
  assert.deepEqual([fault?.code, fault?.event, fault?.at], ['report-unnoted', 'reverted', GRANTED]);
});

test('what comes after the evidence was counted is left for the next recount', () => {
  const outcome = { position: 1, row, revertedAt: later(50) };
  assert.deepEqual(faultsOf([outcome], [], later(49)), []);
  assert.deepEqual(faultsOf([{ position: 1, row }], [report('reverted', 50)], later(49)), []);
});

test('a fault of a control counts on its newest enrolment, and must be noted there alone', () => {
  const first: LedgerRow = { ...row, arm: 'control' };
  const second: LedgerRow = { ...first, enrolment: 2, permitId: id<PermitId>('permit-2'), grantedAt: later(10) };
  const rows = [
    { position: 1, row: first },
    { position: 2, row: second, crashedAt: later(12) },
  ];
  assert.deepEqual(faultsOf(rows, [report('crash', 12, null)]), []);
  const early = faultsOf(rows, [report('crash', 12, null), report('crash', 5, null)]);
  assert.deepEqual(
    early.map((fault) => [fault.code, fault.position]),
    [['report-unnoted', 1]],
  );
  assert.deepEqual(faultsOf(rows, [report('crash', 12, null), report('reverted', 5, null)]), [], 'that is no fault');
});

function faultsOf(rows: readonly LedgerOutcome[], reports: readonly StoredReport[], asOf = later(100)) {
  const check = outcomeCheck({ rows, ledgers: new Map([[row.deviceId, rows.map((one) => one.row)]]), asOf });
  for (const one of reports) check.add(one);
  return check.faults();
}

function report(event: ReportEvent, afterMs: number, permitId: PermitId | null = row.permitId): StoredReport {
  const { deviceId, rolloutId, releaseId } = row;
  const running = { version: '1.0.0', releaseCounter: 1 as ReleaseCounter, components: [] };
  const said = { deviceId, sequence: 1, rolloutId, releaseId, event, running, detail: '' };
  return { report: permitId === null ? said : { ...said, permitId }, receivedAt: later(afterMs) };
}

function later(ms: number): FleetInstant {
  return fleetInstant(GRANTED + ms);
}
