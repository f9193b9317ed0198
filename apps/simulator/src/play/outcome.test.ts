// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import type { DeviceId, Epoch, PermitId, ReleaseId, RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { after, fleetInstant, hours } from '@outrider/domain/kernel/time';
import { reachOf, recallOf } from './outcome.ts';
import type { Participant, ParticipantState } from './stage.ts';

const NOW = fleetInstant(1_800_000_000_000);

function participant(name: string, state: Partial<ParticipantState> = {}): Participant {
  const whole = { state: 'idle', reason: '', activeVersion: '1.1.0', isSilent: false, ...state };
  return { deviceId: name as DeviceId, now: () => whole };
}

function outcome(name: string, row: Partial<LedgerRow>, heard: Partial<LedgerOutcome> = {}): LedgerOutcome {
  return {
    position: 1,
    row: {
      rolloutId: 'r' as RolloutId,
      deviceId: name as DeviceId,
      enrolment: 1,
      kind: 'enrolment',
      releaseId: 'camera-1.1.0' as ReleaseId,
      segment: 'rev-a' as SegmentId,
      arm: 'treated',
      piBefore: 0,
      pi: 0.2,
      piEffective: 0.2,
      isRing: false,
      isPanel: false,
      permitId: 'p' as PermitId,
      epoch: 1 as Epoch,
      grantedAt: NOW,
      permitLifeMs: hours(1),
      ...row,
    },
    ...heard,
  };
}

test('each device is verified or has a reason, and together they are all devices', () => {
  const ledger = [
    outcome('a', {}, { verifiedAt: NOW }),
    outcome('b', {}, { verifiedAt: NOW, revertedAt: after(NOW, hours(1)) }),
    outcome('c', { arm: 'control' }),
    outcome('d', {}),
  ];
  const participants = [
    participant('a'),
    participant('b', { activeVersion: '1.0.0' }),
    participant('c', { state: 'deferred', reason: 'control-arm' }),
    participant('d', { isSilent: true }),
    participant('e', { state: 'failed', reason: 'disk-failed: The disk refused the write' }),
  ];
  assert.deepEqual(reachOf(ledger, participants), {
    devices: 5,
    verified: 1,
    notVerifiedByReason: { 'deferred: control-arm': 1, 'failed: disk-failed': 1, reverted: 1, silent: 1 },
  });
});

test('an exposed device is back, silent, or a fault; controls were never exposed', () => {
  const ledger = [
    outcome('a', { grantedAt: after(NOW, hours(2)) }),
    outcome('b', {}),
    outcome('c', { arm: 'control' }),
    outcome('d', {}),
  ];
  const participants = [
    participant('a'),
    participant('b', { activeVersion: '1.2.0', isSilent: true }),
    participant('c', { activeVersion: '1.2.0' }),
    participant('d', { activeVersion: '1.2.0' }),
  ];
  const about = { goodVersion: '1.1.0', haltedAt: after(NOW, hours(24)) };
  assert.deepEqual(recallOf(ledger, participants, about), {
    exposed: 3,
    rolledBack: 1,
    silent: 1,
    notBack: 1,
    hoursToHalt: 24,
  });
});
