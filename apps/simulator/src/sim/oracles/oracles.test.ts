// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { DeviceId, Epoch, PermitId, ReleaseId, Revision, RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { durationMs, type FleetInstant, HOUR_MS, machineInstant } from '@outrider/domain/kernel/time';
import type { PolicyChange } from '@outrider/domain/policy/log';
import { anExposure, NOW } from '@outrider/testkit/small-fleet';
import { capOracle } from './cap-oracle.ts';
import { durableOracle } from './durable-oracle.ts';
import { finalOracle } from './final-oracle.ts';
import { haltOracle } from './halt-oracle.ts';
import type { DeviceSlots, Observation, Oracle } from './observation.ts';
import { pauseOracle } from './pause-oracle.ts';
import { slotOracle } from './slot-oracle.ts';

function permit(number: number, region = 'eu', kind: LedgerRow['kind'] = 'enrolment'): Observation {
  const row: LedgerRow = {
    rolloutId: 'r1' as RolloutId,
    deviceId: `d${number}` as DeviceId,
    enrolment: 1,
    kind,
    releaseId: 'camera-1.1.0' as ReleaseId,
    segment: 'rev-a' as SegmentId,
    arm: 'treated',
    piBefore: 0,
    pi: 0.5,
    piEffective: 0.5,
    isRing: false,
    isPanel: false,
    permitId: `p${number}` as PermitId,
    epoch: 1 as Epoch,
    grantedAt: NOW,
    permitLifeMs: durationMs(HOUR_MS),
  };
  return { kind: 'permit-committed', row, region };
}

function entry(revision: number, change: PolicyChange): Observation {
  const appended = { revision: revision as Revision, at: NOW as FleetInstant, author: 'operator', change };
  return { kind: 'policy-appended', entry: appended };
}

/** The facts of the first observation that breaks the promise, and its place. */
function brokenAt(oracle: Oracle, observations: readonly Observation[]): number | undefined {
  const place = observations.findIndex((one) => oracle.see(one) !== undefined);
  return place === -1 ? undefined : place;
}

test('the cap oracle cries at the first permit above a cap, and not when a permit is renewed', () => {
  const [segment] = anExposure().segments;
  assert.ok(segment);
  const exposure = anExposure({ cap: 2, segments: [{ ...segment, cap: 9 }] });
  const open: Observation = { kind: 'exposure-stored', exposure };
  assert.equal(brokenAt(capOracle(), [open, permit(1), permit(2), permit(2), permit(1)]), undefined);
  assert.equal(brokenAt(capOracle(), [open, permit(1), permit(2), permit(3)]), 3);
});

test('the pause oracle cries at a permit after a pause returned, in its scope alone, until somebody resumes', () => {
  const pause = entry(5, { kind: 'scope-paused', scope: 'region:eu', reason: '' });
  const returned: Observation = { kind: 'pause-returned', scope: 'region:eu', revision: 5 };
  const resume = entry(6, { kind: 'scope-resumed', scope: 'region:eu', reason: '' });
  assert.equal(brokenAt(pauseOracle(), [pause, permit(1), returned, permit(2, 'na'), resume, permit(3)]), undefined);
  assert.equal(brokenAt(pauseOracle(), [pause, returned, permit(1, 'eu', 'rollback')]), undefined);
  assert.equal(brokenAt(pauseOracle(), [pause, returned, permit(1)]), 2);
});

test('the halt oracle cries at an enrolment, a resume and a late offer after a halt', () => {
  let nowMs = 0;
  const oracle = () => haltOracle(() => machineInstant(nowMs));
  const event = (name: 'halt' | 'resume', revision: number) =>
    entry(revision, { kind: 'rollout-event', rolloutId: 'r1' as RolloutId, event: name, reason: '' });
  assert.equal(brokenAt(oracle(), [permit(1), event('halt', 2), permit(2)]), 2);
  assert.equal(brokenAt(oracle(), [event('halt', 2), event('resume', 3)]), 1);
  nowMs = 0;
  const offer = (atMs: number): Observation => {
    return { kind: 'offer-sent', rolloutId: 'r1', deviceId: 'd1', at: machineInstant(atMs) };
  };
  assert.equal(brokenAt(oracle(), [event('halt', 2), offer(4_000), offer(6_000)]), 2);
});

test('the slot oracle cries at unsigned bytes, at a write into an active slot, and at an arm without a permit', () => {
  const device: DeviceSlots = {
    ...{ deviceId: 'd1', running: 'a', confirmed: 'a', trial: undefined },
    ...{ runningVersion: '1.0.0', runningDigest: 'signed' },
  };
  const oracle = () => slotOracle(new Set(['signed']));
  const sent: Observation = { kind: 'permit-sent', permitId: 'p1', deviceId: 'd1', counter: 20 };
  const armed: Observation = { kind: 'slot-armed', device, slot: 'b', counter: 20 };
  assert.equal(brokenAt(oracle(), [sent, { kind: 'slot-written', device, slot: 'b' }, armed]), undefined);
  assert.equal(brokenAt(oracle(), [armed]), 0);
  assert.equal(brokenAt(oracle(), [{ kind: 'slot-written', device, slot: 'a' }]), 0);
  assert.equal(brokenAt(oracle(), [{ kind: 'slot-booted', device: { ...device, runningDigest: 'half' } }]), 0);
  assert.equal(brokenAt(oracle(), [{ kind: 'slot-booted', device: { ...device, running: 'b' } }]), 0);
});

test('the oracles of the end cry at what was acknowledged and is gone, and at a version that never booted', () => {
  const same = { deviceId: 'd1', bootedVersion: '1', bootedDigest: 'x', storedVersion: '1', storedDigest: 'x' };
  const ended = (storedVersion: string): Observation => ({
    ...{ kind: 'ended', permitIds: new Set(['p1']), reportKeys: new Set(['d1 4']), decisions: [] },
    devices: [{ ...same, storedVersion }],
  });
  assert.equal(brokenAt(finalOracle(), [ended('1')]), undefined);
  assert.equal(brokenAt(finalOracle(), [ended('2')]), 0);
  const acknowledged = (sequence: number): Observation => ({ kind: 'report-acknowledged', deviceId: 'd1', sequence });
  assert.equal(brokenAt(durableOracle(), [acknowledged(4), ended('1')]), undefined);
  assert.equal(brokenAt(durableOracle(), [acknowledged(5), ended('1')]), 1);
});
