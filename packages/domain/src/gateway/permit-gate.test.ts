// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Epoch, Revision, RolloutId, SegmentId } from '../kernel/ids.ts';
import { fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { defaultGates, defaultWaves } from '../policy/default-plan.ts';
import type { Rollout, RolloutState } from '../policy/rollout.ts';
import { isGateOpen, type PermitGateKind, permitGateOf } from './permit-gate.ts';

test('permits come into being only while a rollout runs or is complete, the way back only while it rolls back or has', () => {
  const expected: Readonly<Record<RolloutState, PermitGateKind>> = {
    draft: 'none',
    approved: 'none',
    running: 'enrolment',
    paused: 'none',
    halted: 'none',
    'rolling-back': 'rollback',
    'rolled-back': 'rollback',
    completed: 'enrolment',
    cancelled: 'none',
  };
  for (const [state, opens] of Object.entries(expected)) {
    assert.equal(permitGateOf({ ...ROLLOUT, state: state as RolloutState }).opens, opens, state);
  }
});

test('the gate carries the epoch and the halted segments of its rollout', () => {
  const shared = { epoch: 3, opens: 'enrolment', haltedSegments: ['rev-c'] };
  assert.deepEqual(permitGateOf(ROLLOUT), { ...shared, haltedRegions: [], rollbackRegions: [] });
  const regions = [
    { region: 'eu', isRollingBack: true, populations: [] },
    { region: 'us', isRollingBack: false, populations: [] },
  ];
  const gate = permitGateOf({ ...ROLLOUT, haltedRegions: regions });
  assert.deepEqual(gate, { ...shared, haltedRegions: ['eu', 'us'], rollbackRegions: ['eu'] });
});

test('a region that goes back has its way back while the others go on, and none while the rollout stands still', () => {
  const haltedRegions = [{ region: 'eu', isRollingBack: true, populations: [] }];
  const isOpen = (state: RolloutState, region: string) =>
    isGateOpen(permitGateOf({ ...ROLLOUT, state, haltedRegions }), 'rollback', region);
  assert.deepEqual([isOpen('running', 'eu'), isOpen('completed', 'eu'), isOpen('running', 'us')], [true, true, false]);
  assert.deepEqual(
    [isOpen('paused', 'eu'), isOpen('halted', 'eu'), isOpen('rolling-back', 'us')],
    [false, false, true],
  );
});

const ROLLOUT: Rollout = {
  plan: {
    rolloutId: 'r' as RolloutId,
    deviceType: 'camera',
    releaseId: 'r2' as Rollout['plan']['releaseId'],
    audience: { kind: 'everyone' },
    salt: 'salt',
    segmentBy: 'hardwareId',
    waves: defaultWaves(),
    gates: defaultGates(),
    onSegmentHalt: 'exclude-segment',
    onHalt: 'roll-back',
    permitLifeMs: HOUR_MS,
  },
  createdBy: 'ada',
  state: 'running',
  revision: 4 as Revision,
  epoch: 3 as Epoch,
  reason: 'started',
  stateSince: fleetInstant(0),
  haltedSegments: ['rev-c' as SegmentId],
};
