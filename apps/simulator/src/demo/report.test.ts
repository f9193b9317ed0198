// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DemoReport, missedGoals, reportTable } from './report.ts';

const REPORT: DemoReport = {
  schema: 1,
  round: 1,
  seed: '1',
  good: {
    version: '1.1.0',
    devices: 2_003,
    verified: 1_990,
    notVerifiedByReason: { 'deferred: not-ready': 10, silent: 3 },
    days: 14.5,
  },
  bad: {
    version: '1.2.0',
    exposed: 12,
    harmed: 3,
    haltedSegment: 'rev-c',
    hoursToHalt: 22.5,
    rolledBack: 12,
    notBack: 0,
    silent: 0,
  },
  agents: [{ id: 'agent', hardwareId: 'rev-a', state: 'idle', activeVersion: '1.1.0' }],
  deltas: [{ from: '1.0.0', to: '1.1.0', format: 'zstd-patch-1', fullBytes: 1_000, deltaBytes: 100 }],
  elapsedMs: 100_000,
  phases: [{ phase: 'rolling out 1.1.0', elapsedMs: 80_000 }],
  requests: 100_000,
};

test('a round that reaches everything misses no goal', () => {
  assert.deepEqual(missedGoals(REPORT), []);
});

test('a device that is neither verified nor listed by a reason is missed', () => {
  const [sentence] = missedGoals({ ...REPORT, good: { ...REPORT.good, notVerifiedByReason: {} } });
  assert.match(sentence ?? '', /Of 2003 devices 1990 are accounted for/);
});

test('each goal that is missed is one sentence with the value seen and the value allowed', () => {
  const report: DemoReport = {
    ...REPORT,
    good: { ...REPORT.good, verified: 1_900, notVerifiedByReason: { silent: 103 } },
    bad: { ...REPORT.bad, harmed: 61, notBack: 1, hoursToHalt: null, haltedSegment: null },
    deltas: [{ from: '1.0.0', to: '1.1.0', format: 'zstd-patch-1', fullBytes: 1_000, deltaBytes: 200 }],
  };
  assert.deepEqual(missedGoals(report), [
    'The good release was verified on 1900 of 2003 devices: the goal is 99.0 %',
    'The bad release was not halted: the goal is a halt by its evidence',
    'The bad release harmed 61 devices: the goal is at most 60',
    '1 exposed devices answer and are not back on the good version: the goal is none',
    'The delta from 1.0.0 to 1.1.0 is 20.0 % of its image: the goal is under 20.0 %',
  ]);
});

test('the table names every figure of the report', () => {
  const table = reportTable(REPORT);
  for (const text of ['1990 of 2003', '22.5 fleet hours', '100 (10.0 %) of 1000', 'idle, runs 1.1.0', '100.0 s']) {
    assert.ok(table.includes(text), text);
  }
});
