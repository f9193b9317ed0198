// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Epoch, Revision, RolloutId, SegmentId } from '../kernel/ids.ts';
import { fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { defaultGates, defaultWaves } from '../policy/default-plan.ts';
import type { Rollout, RolloutState } from '../policy/rollout.ts';
import { type PermitGateKind, permitGateOf } from './permit-gate.ts';

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
  assert.deepEqual(permitGateOf(ROLLOUT), { epoch: 3, opens: 'enrolment', haltedSegments: ['rev-c'] });
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
  state: 'running',
  revision: 4 as Revision,
  epoch: 3 as Epoch,
  reason: 'started',
  stateSince: fleetInstant(0),
  haltedSegments: ['rev-c' as SegmentId],
};
